"""The catalogue's files taken while the agent runs: all or nothing, told, audited; what lives keeps its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog.testing

from bss_bridge.engine import surface
from bss_bridge.events import notifications
from bss_bridge.resources import catalogues
from oss_agent import audit, errors
from oss_agent.api import catalogue as routes
from oss_agent.app import reloading
from oss_agent.catalog import collection, live
from oss_agent.fulfilment import order, product
from oss_agent.fulfilment.record import tables
from oss_agent.spi import catalogue as spi_catalogue
from oss_agent.spi import events, orders, product_orders, views
from tests.integration.fulfilment import world as worlds
from tests.unit.bss_bridge import world as bridge

pytestmark = pytest.mark.anyio
RELOAD, CHANGES = "/api/v1/catalogue/reload", "/api/v1/catalogue/changes"
SERVICES = "/tmf-api/serviceCatalogManagement/v4/serviceSpecification"
CATEGORY = "/tmf-api/serviceCatalogManagement/v4/serviceCategory/all"
SETTINGS = {"as_number": "65000", "internet_community": "65000:100"}
SHIPPED = Path(collection.__file__).parent / "shipped/services/eline-1.0.yaml"
TENANTS = ("default", "other")


@dataclasses.dataclass
class Agent:
    """The rooms beneath, the catalogue in force, its files, and the surfaces over it."""

    below: worlds.World
    catalogue: live.LiveCatalogue
    files: reloading.Reloading
    folder: Path
    http: httpx.AsyncClient

    def say(self, version: str, **instead: str) -> Path:
        """An E-Line of this version in the operator's folder, with some words in place of others."""
        text = SHIPPED.read_text(encoding="utf-8")
        for before, after in (
            {'version: "1.0"\nupdated': f'version: "{version}"\nupdated'}
        ).items():
            text = text.replace(before, after, 1)
        for before, after in instead.items():
            assert before in text
            text = text.replace(before, after)
        file = self.folder / "services" / f"eline-{version}.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def desk(self) -> order.ServiceOrders:
        return order.ServiceOrders(dataclasses.replace(self.below.parts, catalogue=self.catalogue))

    async def order(self, version: str | None = None) -> views.ServiceOrderView:
        (item,) = (whole := worlds.request(f"line-{version}", body_digest=str(version))).items
        item = dataclasses.replace(item, specification_version=version)
        asked: orders.OrderRequest = dataclasses.replace(whole, items=(item,))
        return (await self.desk.submit(asked)).order

    async def told(self) -> list[tuple[str, str]]:
        rows = await self.below.rows.read(lambda c: c.execute(sa.select(worlds.EVENTS)).all())
        return [(row.kind, row.entity) for row in rows if "serviceOrder" not in row.entity]

    async def audited(self) -> list[tuple[str, str]]:
        entries = sa.select(audit.ENTRIES.c.actor, audit.ENTRIES.c.detail).where(
            audit.ENTRIES.c.action == "reload"
        )
        return [
            (row.actor, row.detail)
            for row in await self.below.rows.read(lambda c: c.execute(entries).all())
        ]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Agent]:
    folder = tmp_path / "own"
    (folder / "services").mkdir(parents=True)
    read = reloading.reader(folder, SETTINGS, None)
    catalogue = live.LiveCatalogue(read())
    async with worlds.open_world(tmp_path) as below:
        files = reloading.Reloading(
            below.rows, below.clock, worlds.append, catalogue, read, TENANTS
        )
        shown = catalogues.routers(catalogue, bridge.LINKS, surface.Paging())
        async with bridge.world(tmp_path, extra=(routes.router(files), *shown)) as made:
            yield Agent(below, catalogue, files, folder, made.http)


async def versions(it: Agent) -> list[str]:
    answer = await it.http.get(SERVICES, params={"id": "eline", "sort": "version"})
    return [one["version"] for one in answer.json()]


async def test_what_cannot_be_ordered_for_want_of_pools_is_in_the_answer_and_the_audit(
    it: Agent,
) -> None:
    pools = {"core-vni", "vpn-vni", "vpn-transit", "internet-v4", "vpn-rt"}
    read = reloading.reader(it.folder, SETTINGS, pools)
    below = it.below
    files = reloading.Reloading(below.rows, below.clock, worlds.append, it.catalogue, read, TENANTS)
    with structlog.testing.capture_logs() as log:
        (told,) = await files.reload("default", "ann")

    assert (told.id, told.version, told.what) == ("l3vpn", "1.1", "not to be ordered")
    assert "vpn-rd" in told.effect
    ((_, detail),) = await it.audited()
    assert '"lacking":{"l3vpn 1.1":["vpn-rd"]}' in detail
    assert [one["pools"] for one in log if one["log_level"] == "warning"] == [["vpn-rd"]]


async def test_a_new_version_is_in_force_at_once_told_and_audited(it: Agent) -> None:
    it.say("1.1")
    would = await it.http.get(CHANGES)
    assert [(one["id"], one["version"], one["what"]) for one in would.json()] == [
        ("eline", "1.1", "new")
    ]
    assert await versions(it) == ["1.0"]

    done = await it.http.post(RELOAD)
    assert (done.status_code, done.json()) == (200, would.json()), done.text
    assert await versions(it) == ["1.0", "1.1"]
    assert (await it.order()).items[0].specification.version == "1.1"
    assert "1.1" in [
        one["version"] for one in (await it.http.get(CATEGORY)).json()["serviceCandidate"]
    ]
    wanted = [
        (f"{kind}CreateEvent", f"{kind[0].lower()}{kind[1:]}:{key}:1.1")
        for kind, key in (
            ("ServiceSpecification", "eline"),
            ("ServiceSpecification", "eline-end"),
            ("ServiceCandidate", "eline"),
        )
        for _ in TENANTS
    ]
    assert await it.told() == wanted
    ((actor, detail),) = await it.audited()
    assert actor
    assert '["service","eline","1.1","new"]' in detail
    assert (await it.http.get(CHANGES)).json() == []


async def test_the_files_are_read_once_at_a_time_however_many_ask(it: Agent) -> None:
    busy, read = threading.Lock(), reloading.reader(it.folder, SETTINGS, None)

    def alone() -> live.Loaded:
        assert busy.acquire(blocking=False)
        try:
            return read()
        finally:
            busy.release()

    rows, time = it.below.rows, it.below.clock
    files = reloading.Reloading(rows, time, worlds.append, it.catalogue, alone, TENANTS)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(files.pending())


async def test_a_mistake_changes_nothing_and_says_why(it: Agent) -> None:
    it.say("1.1")
    it.say("1.2", **{"type: port, required: true": "type: prot, required: true"})
    before = it.catalogue.present
    for answer in (await it.http.post(RELOAD), await it.http.get(CHANGES)):
        assert (answer.status_code, answer.json()["code"]) == (409, "invalidCatalogue")
        assert "eline-1.2.yaml" in answer.json()["reason"]
        assert "characteristics.aEnd.type: must be port" in answer.json()["reason"]
    assert it.catalogue.present is before
    assert (await it.told(), await it.audited()) == ([], [])
    assert await versions(it) == ["1.0"]


async def test_what_lives_or_is_being_built_keeps_its_version_and_its_file(it: Agent) -> None:
    file = it.say("1.1")
    await it.files.reload("default", "carol")
    taken = await it.order("1.1")
    it.say("1.2")
    await it.files.reload("default", "carol")
    assert (await it.order()).items[0].specification.version == "1.2"
    assert taken.items[0].specification.version == "1.1"

    file.unlink()
    refused = await it.http.post(RELOAD)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalidCatalogue")
    assert "1 order items have eline 1.1, whose file is gone" in refused.json()["reason"]
    assert await versions(it) == ["1.0", "1.1", "1.2"]


async def test_what_nobody_has_may_go_and_what_changed_is_told(it: Agent) -> None:
    file = it.say("1.1")
    await it.files.reload("default", "carol")
    file.unlink()
    it.say("1.2")
    moved = await it.files.reload("default", "carol")
    assert [(one.version, one.what) for one in moved] == [("1.1", "gone"), ("1.2", "new")]
    it.say("1.2", **{"name: E-Line\n": "name: Line\n"})
    assert await it.files.reload("default", "carol") == ()  # a name means nothing to what lives
    kinds = [kind for kind, entity in await it.told() if entity.startswith("serviceSpec")]
    assert set(kinds) == {
        f"ServiceSpecification{what}Event" for what in ("Create", "Change", "Delete")
    }
    assert len(await it.audited()) == 3


async def test_what_is_in_work_of_a_version_that_retires_can_still_be_amended(it: Agent) -> None:
    it.say("1.1")
    await it.files.reload("default", "carol")
    taken = await it.order("1.1")
    it.say("1.1", **{"updated: 2026-11-22": "updated: 2026-11-22\nstatus: retired"})
    await it.files.reload("default", "carol")
    said = {**taken.items[0].characteristics, "bandwidth": 50}
    wish = orders.Amendment(taken, "bss", items=(orders.ItemChange("1", said),))
    assert (await it.desk.amend(wish)).items[0].characteristics == said
    with pytest.raises(errors.OrderRejected, match="is retired"):
        await it.order("1.1")


OFFERING = """\
id: shop-line
version: "{version}"
updated: 2026-11-22
name: Line
text: a line
services:
  line: {{specification: eline, version: "1.0"}}
characteristics:
  aEnd: {{sets: [line.aEnd], text: one end}}
  zEnd: {{sets: [line.zEnd], text: the other}}
  speed: {{sets: [line.bandwidth], text: Mbit/s}}
"""


def offered(it: Agent, version: str, text: str = OFFERING) -> Path:
    file = it.folder / "offerings" / f"shop-line-{version}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.format(version=version), encoding="utf-8")
    return file


def desk(it: Agent) -> product.ProductOrders:
    beneath = dataclasses.replace(it.below.parts, catalogue=it.catalogue)
    return product.ProductOrders(beneath, it.catalogue, order.ServiceOrders(beneath))


async def ask(
    it: Agent, version: str | None, of: str | None = None, **said: Any
) -> product_orders.ProductOrderView:
    action, name = (views.ItemAction.MODIFY, None) if of else (views.ItemAction.ADD, "acme")
    item = spi_catalogue.ProductItem("1", action, "shop-line", version, name, said, "item")
    wish = product_orders.ProductItemRequest(item, of)
    request = product_orders.ProductOrderRequest("default", "bss", (wish,), str(version))
    return (await desk(it).submit(request)).order


ENDS = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4"}


async def test_the_offering_that_a_product_is_moved_to_keeps_its_file(it: Agent) -> None:
    offered(it, "1.0")
    await it.files.reload("default", "carol")
    made = (await ask(it, "1.0", **ENDS)).items[0].product_id
    await it.below.run_to_the_end()
    going = offered(it, "1.1")
    await it.files.reload("default", "carol")
    await ask(it, "1.1", made, speed=20)
    going.unlink()
    refused = await it.http.post(RELOAD)
    assert refused.status_code == 409
    assert "1 product order items have shop-line 1.1, whose" in refused.json()["reason"]


async def test_a_product_order_keeps_versions_that_retire_while_it_is_at_work(it: Agent) -> None:
    two = OFFERING.replace(
        "services:", "services:\n  other: {{specification: eline, version: '1.1', when: bEnd}}"
    )
    two += "  bEnd: {{sets: [other.aEnd], text: one}}\n  cEnd: {{sets: [other.zEnd], text: two}}\n"
    it.say("1.1")
    offered(it, "1.0", two)
    await it.files.reload("default", "carol")
    taken = await ask(it, "1.0", **ENDS)
    retired = {"updated: 2026-11-22": "updated: 2026-11-22\nstatus: retired"}
    it.say("1.1", **retired)
    offered(it, "1.0", two.replace(*next(iter(retired.items()))))
    await it.files.reload("default", "carol")

    said = ENDS | {"speed": 20, "bEnd": "pe1:eth5", "cEnd": "pe2:eth5"}
    change = product_orders.ProductItemChange("1", said)
    now = await desk(it).amend(product_orders.ProductAmendment(taken, "bss", items=(change,)))
    assert now.items[0].service_items == ("1.line", "1.other")
    below = await it.below.get(now.service_order)
    assert below.items[0].characteristics["bandwidth"] == 20
    assert below.items[1].specification.version == "1.1"
    with pytest.raises(errors.OrderRejected, match="is retired"):
        await ask(it, "1.0", **ENDS)


@pytest.mark.parametrize("version", ["1.1", None])
@pytest.mark.parametrize("of_products", [False, True])
async def test_what_left_the_catalogue_while_an_order_was_judged_is_not_accepted(
    it: Agent, monkeypatch: pytest.MonkeyPatch, version: str | None, *, of_products: bool
) -> None:
    file = offered(it, "1.1") if of_products else it.say("1.1")
    await it.files.reload("default", "carol")
    write = it.below.rows.write

    async def late(unit: Callable[[sa.Connection], Any]) -> Any:
        if file.exists():
            file.unlink()
            await it.files.reload("default", "carol")
        return await write(unit)

    monkeypatch.setattr(it.below.rows, "write", late)
    with pytest.raises(errors.OrderRejected, match=r"1\.1 left the catalogue") as gone:
        await (ask(it, version, **ENDS) if of_products else it.order(version))
    assert (gone.value.status, gone.value.code) == (409, "conflict")
    assert await it.below.count(tables.order) == 0
    assert await it.files.reload("default", "carol") == ()


@pytest.mark.parametrize("lost", [False, True], ids=["written", "lost"])
async def test_it_is_in_force_with_its_unit_and_no_unit_meets_two(
    it: Agent, monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    before, seen, write = it.catalogue.present, list[live.Loaded](), it.below.rows.write

    async def watched(unit: Callable[[sa.Connection], Any]) -> Any:
        def inside(connection: sa.Connection) -> Any:
            done = unit(connection)
            seen.append(it.catalogue.present)
            if lost:
                raise errors.StoreUnavailable("the disk is full")
            return done

        return await write(inside)

    monkeypatch.setattr(it.below.rows, "write", watched)
    it.say("1.1")
    with contextlib.suppress(errors.StoreUnavailable):
        await it.files.reload("default", "carol")
    assert seen != [before]
    assert (it.catalogue.present is before) is lost


async def test_a_signal_takes_the_files_and_a_mistake_is_only_logged(it: Agent) -> None:
    async def until(words: str) -> None:
        async with asyncio.timeout(300):
            while words not in " ".join(one["event"] for one in logs):  # noqa: ASYNC110  (no event)
                await asyncio.sleep(0.01)

    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            role = group.create_task(it.files.run())
            bad = it.say("1.1", **{"per: pair": "per: pear"})
            it.files.asked.set()
            await until("the catalogue stays as it is")
            bad.unlink()
            logs.clear()
            it.say("1.1", **{"updated: 2026-11-22": "updated: 2026-11-31"})
            it.files.asked.set()
            await until("the catalogue stays as it is")
            it.say("1.1")
            it.files.asked.set()
            await until("the catalogue was read again")
            role.cancel()
    assert await versions(it) == ["1.0", "1.1"]
    assert [actor for actor, _ in await it.audited()] == ["SIGHUP"]


def test_every_event_that_a_reload_tells_has_a_surface() -> None:
    before = live.loaded(collection.load(), SETTINGS)
    nothing = live.loaded(collection.Collection((), (), ()), SETTINGS)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = [
        *reloading.told(nothing, before, TENANTS, at),
        *reloading.told(before, nothing, TENANTS, at),
    ]
    assert len({one.id for one in told}) == len(told)
    for one in told:
        shown = notifications.notification(one, bridge.LINKS)
        ((name, body),) = shown["event"].items()
        assert one.entity == f"{name}:{body['id']}:{body['version']}"
    assert {one.kind for one in told} == {
        kind for kind in events.EventKind
        if kind.value.startswith(("ServiceSpec", "ServiceCand", "ResourceSpec", "ResourceCand"))
        and "Change" not in kind.value
    }  # fmt: skip
