"""Configurations of simulated devices are kept: what is whole, versions, cases, and who sees what."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.backup import backup_look, backup_rows, backup_texts, backups
from inventory.rows import tables
from oss_agent import errors
from oss_agent.spi import views
from oss_agent.spi.backups import Cause, Part, Point, Taken, Watcher, Which, Window
from oss_agent.spi.device import Datastore
from oss_agent.testing.simulated import Offer, SimulatedDevice
from oss_agent.testing.simulated_cli import Faults, SimulatedCli
from tests.integration.inventory import kept

pytestmark = pytest.mark.anyio

_NOBODY = Watcher()
_R1 = Which("default", "r1")
_BGP = "router bgp 65000\nneighbor 192.0.2.1 remote-as 65001"
_ELINE = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme</name><vni>10010</vni>'
    "<port>eth3</port></eline></services>"
)


async def test_a_change_is_a_version_and_no_change_is_none(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        box.change_by_hand(_BGP)
        first = await it.look("r1", Cause.ORDER, ("17",))
        began = it.time.now()
        assert {(v.datastore, v.version, v.orders) for v in first.changed} == {
            ("running", 1, ("17",)),
            ("startup", 1, ("17",)),
        }
        assert (await it.look("r1")).changed == ()
        box.change_by_hand("hostname other")
        (second,) = (await it.look("r1")).changed
        listed = (await it.desk.find("default", "r1")).items
        (running, _) = (await it.desk.find("default", "r1", began)).items
        part = await it.desk.find("default", "r1", None, Window(offset=1, limit=1))

    assert (second.version, second.orders, second.until) == (2, (), None)
    assert [(v.datastore, v.version) for v in listed] == [
        ("running", 2),
        ("running", 1),
        ("startup", 1),
    ]
    assert listed[1].until == second.since
    assert (part.items, part.total) == ((listed[1],), 3)
    assert (running.version, running.looked_at) == (1, it.time.now())


async def test_a_netconf_device_keeps_its_startup_apart(tmp_path: Path) -> None:
    async with (
        SimulatedDevice("r1", offer=Offer(startup=True)) as box,
        kept.room(tmp_path, {"r1": box}) as it,
    ):
        await it.look("r1")
        box.change_by_hand(_ELINE)
        since = it.time.now() + timedelta(hours=1)
        await it.look("r1")
        await it.look("r1")
        (case,) = await it.cases("unsaved-configuration")
        lost = await it.desk.unsaved(_R1, _NOBODY)
        box.datastores.save(0)
        await it.look("r1")
        saved = await it.desk.unsaved(_R1, _NOBODY)

        assert f"not saved since {since:%Y-%m-%dT%H:%M:%SZ}: 7 lines more, 0 lines less" in case
        assert "+    <name>acme</name>" in lost.text.splitlines()
        assert saved.text == ""
        assert await it.cases("unsaved-configuration") == []


async def test_half_a_configuration_is_refused_and_the_last_good_one_stays(tmp_path: Path) -> None:
    bounds = backup_look.Bounds(again=0.01, overdue=timedelta(hours=2))
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}, bounds) as it:
        box.change_by_hand(_BGP)
        await it.look("r1")
        good = await it.desk.show(_R1, Point(), _NOBODY)
        box.faults = Faults(cut_after=7)
        cut = [await it.look("r1") for _ in range(2)]
        assert await it.cases("backup-overdue") == []
        await it.look("r1")
        (late,) = await it.cases("backup-overdue")
        failing = await it.rows.read(backup_rows.failing)
        age = await it.rows.read(lambda c: backup_rows.age(c, it.time.now()))
        still = await it.desk.show(_R1, Point(), _NOBODY)
        box.faults = Faults()
        again = await it.look("r1")

        assert {one.trouble for one in cut} == {"incomplete"}
        assert "running is not whole: it ends with" in cut[0].reason
        assert still.text == good.text
        assert still.version.trouble == cut[0].reason
        assert "no good backup for more than 2 hours" in late
        assert (failing, age) == ({"incomplete": 1}, 3 * 3600)
        assert (again.trouble, again.changed) == ("", ())
        assert await it.cases("backup-overdue") == []


@pytest.mark.parametrize(
    ("faults", "trouble", "words"),
    [
        (Faults(pager=3), "unreachable", ""),
        (Faults(padding=200), "too_large", "backup.most_bytes is 1024"),
    ],
    ids=["pager", "endless"],
)
async def test_what_is_no_configuration_is_not_taken_for_one(
    tmp_path: Path, faults: Faults, trouble: str, words: str
) -> None:
    bounds = backup_look.Bounds(most_bytes=1024)
    async with (
        SimulatedCli("r1", faults=faults) as box,
        kept.room(tmp_path, {"r1": box}, bounds) as it,
    ):
        found = await it.look("r1")
        with pytest.raises(errors.OrderRejected, match="there is"):
            await it.desk.show(_R1, Point(), _NOBODY)

    assert found.trouble == trouble
    assert words in found.reason


async def test_less_than_half_is_read_twice_before_it_is_believed(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        box.faults = Faults(padding=200)
        await it.look("r1")
        sessions = len(box.login_attempts)
        reads: list[str] = []
        whole = it.reader.read

        async def counted(name: str) -> object:
            reads.append(name)
            return await whole(name)

        it.reader.read = counted  # type: ignore[method-assign,assignment]  # to count them
        box.faults = Faults()
        found = await it.look("r1")
        await it.look("r1")

    assert [view.version for view in found.changed] == [2]
    assert len(reads) == 3
    assert len(box.login_attempts) == sessions, "one login serves all looks"


async def test_a_device_that_an_order_has_in_work_is_left_alone(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.lease("r1", held=True)
        held = await it.look("r1")
        assert box.login_attempts == ()
        await it.lease("r1", held=False)
        whole = it.reader.read

        async def meanwhile(name: str) -> object:
            found = await whole(name)
            it.lines.written[name] += 1  # an order came and went while it was read
            return found

        it.reader.read = meanwhile  # type: ignore[method-assign,assignment]  # to come between
        crossed = await it.look("r1")
        it.reader.read = whole  # type: ignore[method-assign]  # as it was
        free = await it.look("r1")

    assert (held.trouble, crossed.trouble, free.trouble) == ("held", "held", "")


async def test_secrets_are_masked_unless_somebody_may_see_them(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        box.change_by_hand(f"snmp-server community hush ro\n{_BGP}\nneighbor 192.0.2.1 password a1")
        await it.look("r1")
        box.change_by_hand("router bgp 65000\nneighbor 192.0.2.1 password b2")
        await it.look("r1")
        shown = await it.desk.show(_R1, Point(), _NOBODY)
        changed = await it.desk.compare(_R1, Point(before=1), Point(), _NOBODY)
        assert it.seen == []
        bare = await it.desk.show(_R1, Point(version=1), Watcher("ann"))
        open_ = await it.desk.compare(_R1, Point(1), Point(2), Watcher("ann"))

    assert "snmp-server community <secret> ro" in shown.text
    assert not {"hush", "a1", "b2"} & set(shown.text.split() + changed.text.split())
    assert "- neighbor 192.0.2.1 password <secret 2>" in changed.text
    assert "+ neighbor 192.0.2.1 password <secret 3>" in changed.text
    assert "community hush ro" in bare.text
    assert "+ neighbor 192.0.2.1 password b2" in open_.text
    assert it.seen == [("ann", "r1"), ("ann", "r1")]
    assert (shown.masked, bare.masked) == (True, False)


async def test_no_digest_is_told_by_which_a_secret_could_be_guessed(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        box.change_by_hand("snmp-server community hush ro")
        taken = await it.look("r1")
        shown = await it.desk.show(_R1, Point(), _NOBODY)
        bare = await it.desk.show(_R1, Point(), Watcher("ann"))
        told = json.dumps(views.as_json((taken, shown, await it.desk.find("default", "r1"))))
        c = tables.cases.c
        query = sa.select(c.evidence).where(c.kind == "unsaved-configuration")
        (evidence,) = await it.rows.read(lambda asked: asked.execute(query).scalars().all())

    digest = hashlib.sha256(bare.text.encode()).hexdigest()
    assert "hush" in bare.text
    assert digest[:8] not in told + evidence


async def test_a_startup_that_is_not_believed_ends_no_case_and_orders_are_told_once(
    tmp_path: Path,
) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        box.change_by_hand(_BGP)
        await it.look("r1")
        whole = it.reader.read

        async def half(name: str) -> object:
            return tuple(_cut(part) for part in await whole(name))

        it.reader.read = half  # type: ignore[method-assign,assignment]  # startup breaks off
        taken: list[Taken] = []
        for order in ("17", ""):
            if order:
                it.role.ended("r1", order)
            it.time.pass_by()
            box.change_by_hand(f"hostname r{order}")
            taken.append(await it.role.take("default", "r1"))
        stood = await it.cases("unsaved-configuration")
        it.reader.read = whole  # type: ignore[method-assign]  # as it was
        box.save(0)
        await it.look("r1")
        over = await it.cases("unsaved-configuration")

    assert [one.trouble for one in taken] == ["incomplete", "incomplete"]
    assert [[view.orders for view in one.changed] for one in taken] == [[("17",)], [()]]
    assert len(stood) == 1
    assert over == []


def _cut(part: Part) -> Part:
    lacks = "" if part.datastore is Datastore.RUNNING else "it ends with 'x'"
    return dataclasses.replace(part, whole=dataclasses.replace(part.whole, lacks=lacks))


async def test_another_tenant_sees_nothing_and_takes_nothing(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        theirs = dataclasses.replace(_R1, tenant="other")
        assert (await it.desk.find("other")).items == ()
        for asked in (
            it.desk.find("other", "r1"),
            it.desk.show(theirs, Point(), _NOBODY),
            it.desk.compare(theirs, Point(1), Point(1), _NOBODY),
            it.desk.take("other", "r1"),
            it.desk.take("default", "nobody"),
        ):
            with pytest.raises(errors.NotFound):
                await asked


_ABSENT = (
    (_R1, Point(version=7), "the oldest kept is 1, of 2026-11-22T11:00:00Z"),
    (_R1, Point(at=kept.START), "the oldest kept is 1"),
    (_R1, Point(before=1), "has no such version"),
    (dataclasses.replace(_R1, store="netconf"), Point(), "there is: cli running, cli startup"),
    (dataclasses.replace(_R1, datastore=Datastore.STARTUP), Point(3), "r1 cli startup has no"),
)


async def test_what_is_not_kept_is_said_with_what_is(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        for which, point, words in _ABSENT:
            with pytest.raises(errors.OrderRejected, match=words) as refused:
                await it.desk.show(which, point, _NOBODY)
            assert refused.value.status == 404


async def test_old_versions_go_and_their_texts_with_them(tmp_path: Path) -> None:
    keep = backup_rows.Keep(days=10 / 24, least=2, most=5)
    bounds = backup_look.Bounds(keep, again=0.01)
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}, bounds) as it:
        for number in range(6):
            box.change_by_hand(f"hostname r{number}")
            await it.look("r1")
        hourly = await _numbers(it)
        it.time.pass_by(60 * 24)
        box.change_by_hand("hostname last")
        await it.look("r1")
        later = await _numbers(it)
        texts = await it.rows.read(lambda c: c.execute(sa.select(tables.backup_texts)).all())

    assert hourly == [6, 5, 4, 3, 2]
    assert later == [7, 6]
    assert len(texts) == 3, "two of running and the one of startup"


async def _numbers(it: kept.Room) -> list[int]:
    found = (await it.desk.find("default", "r1")).items
    return [view.version for view in found if view.datastore == "running"]


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - the role tells by its counters alone
        await asyncio.sleep(0.005)


async def test_a_new_device_an_order_and_a_hint_have_their_look_at_once(tmp_path: Path) -> None:
    pace = backups.Pace(interval=600.0, least_gap=0.0, refresh=0.02)
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}, pace=pace) as it:
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            role = group.create_task(it.role.run())
            await _until(lambda: it.role.counters().get("changed", 0) == 1)
            it.time.pass_by()
            box.change_by_hand("hostname a")
            it.role.ended("r1", "17")
            it.role.ended("r1", "18")
            await _until(lambda: it.role.counters().get("changed", 0) == 2)
            it.time.pass_by()
            box.change_by_hand("hostname b")
            it.role.hint("r1")
            await _until(lambda: it.role.counters().get("changed", 0) == 3)
            role.cancel()
        listed = (await it.desk.find("default", "r1")).items
        running = [view for view in listed if view.datastore == "running"]

    assert [(view.cause, view.orders) for view in running] == [
        (Cause.HINT, ()),
        (Cause.ORDER, ("17", "18")),
        (Cause.TURN, ()),
    ]


async def test_an_order_whose_look_failed_is_told_with_the_next_good_one(tmp_path: Path) -> None:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        it.role.ended("r1", "17")
        box.change_by_hand(_BGP)
        await it.lease("r1", held=True)
        held = await it.role.take("default", "r1")
        await it.lease("r1", held=False)
        it.time.pass_by()
        taken = await it.role.take("default", "r1")
        it.time.pass_by()
        box.change_by_hand("hostname x")
        after = await it.role.take("default", "r1")

    assert held.trouble == "held"
    assert [view.orders for view in taken.changed] == [("17",)]
    assert [view.orders for view in after.changed] == [()]


def _never(device: str, interval: float, now: float, failures: int) -> float:
    del device, interval, now, failures
    return 0.0


async def test_nothing_is_read_at_the_start_for_a_device_that_left_long_ago(tmp_path: Path) -> None:
    asked: list[datetime] = []

    def ended_since(_: sa.Connection, at: datetime) -> tuple[tuple[str, str, datetime], ...]:
        asked.append(at)
        return ()

    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        long_ago = kept.START - timedelta(days=900)
        row: dict[str, Any] = {
            "device": "gone",
            "tenant": "default",
            "since": long_ago,
            "tried_at": long_ago,
            "good_at": long_ago,
            "looks": 1,
            "trouble": "",
            "reason": "",
        }
        insert = sa.insert(tables.backup_looks).values(**row)
        await it.rows.write(lambda c: c.execute(insert))
        pace = backups.Pace(interval=0.0)
        role = backups.Backups(it.rows, it.keeper, it.time, _never, pace, ended_since)
        await role.run()

    assert asked == [it.time.now()]


async def test_either_database_keeps_and_forgets(connection: sa.Connection) -> None:
    place = backup_rows.Place("pe1", "cli", "running")
    keep = backup_rows.Keep(days=1 / 24, least=2, most=5)
    for hour, text in enumerate("abadc"):
        at = kept.START + timedelta(hours=hour)
        look = backup_rows.Look("default", at, Cause.ORDER, ("17", str(hour)))
        assert backup_rows.put(connection, place, await backup_texts.pack(text), look)
        assert not backup_rows.put(connection, place, await backup_texts.pack(text), look)
        backup_rows.prune(connection, place, keep, at)
    now = kept.START + timedelta(hours=9)
    listed = backup_rows.versions(connection, "default", "pe1", Window())
    held = backup_rows.holding(connection, "default", None, now, now, Window())
    left = connection.execute(sa.select(tables.backup_texts.c.digest)).all()

    assert [(view.version, view.orders) for view in listed.items] == [
        (5, ("17", "4")),
        (4, ("17", "3")),
        (3, ("17", "2")),
    ]
    assert backup_rows.text(connection, listed.items[2]) == "a", "a version has it still"
    assert (held.items, held.total) == (listed.items[:1], 1)
    assert len(left) == 3
    assert backup_rows.age(connection, now) == 0.0
    assert backup_rows.failing(connection) == {}


async def test_what_another_tenant_had_stays_its_own(connection: sa.Connection) -> None:
    place, text = backup_rows.Place("pe1", "cli", "running"), await backup_texts.pack("end\n")
    later = kept.START + timedelta(hours=1)
    assert backup_rows.put(connection, place, text, backup_rows.Look("before", kept.START))
    assert backup_rows.put(connection, place, text, backup_rows.Look("default", later))
    found = [
        [backup_rows.find(connection, tenant, place, Point(number), later) for number in (1, 2)]
        for tenant in ("before", "default")
    ]

    assert [[view and view.version for view in some] for some in found] == [[1, None], [None, 2]]
