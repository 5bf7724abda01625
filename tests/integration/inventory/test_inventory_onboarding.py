"""A lab directory is imported, trusted and discovered: simulated routers, real SSH, real SNMP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncssh
import pytest
import sqlalchemy as sa
import structlog.testing

from drivers.snmp import engine as snmp_engine
from inventory.devices import devices
from inventory.looks import discovery
from inventory.onboarding import onboarding
from inventory.pools import pools
from inventory.rows import history, ownership, tables
from inventory.services import ports
from oss_agent import clock, errors, registry, settings, store
from oss_agent.app import ground
from oss_agent.app import pools as app_pools
from oss_agent.spi import audit, events
from oss_agent.spi.query import Filter, Operator, Query
from oss_agent.testing.simulated import lab_directory, network
from oss_agent.testing.simulated.topology import TELCO5, Link, Node, Topology

_SMALL = Topology(
    name="small",
    nodes=(
        Node("p1", "p", "north", "10.255.0.1", "127.30.30.11", ("eth1",)),
        Node("pe1", "pe", "north", "10.255.0.11", "127.30.30.21", ("eth1", "eth2")),
    ),
    links=(Link("p1", "eth1", "pe1", "eth1"),),
)


@dataclass(frozen=True, slots=True)
class _World:
    network: network.SimulatedNetwork
    store: store.SqlStore
    devices: devices.StoredDevices
    onboarding: onboarding.StoredOnboarding
    files: dict[str, str]
    told: list[events.Event]
    deeds: list[audit.Deed]


async def _scan(device: str, address: str, port: int) -> tuple[str, ...]:
    try:
        key = await asyncio.wait_for(asyncssh.get_server_host_key(address, port), 300)
    except OSError as error:
        raise errors.DeviceUnreachable(device, str(error)) from error
    return (key.export_public_key().decode(),) if key is not None else ()


def _run(
    url: str, place: Path, body: Callable[[_World], Awaitable[None]], topology: Topology = _SMALL
) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as stack:
            simulated = await stack.enter_async_context(network.SimulatedNetwork(topology))
            opened = await stack.enter_async_context(store.open_store(url))
            await opened.write(tables.METADATA.create_all)
            time = clock.SystemClock()
            engine = await stack.enter_async_context(snmp_engine.running(time))
            known = devices.StoredDevices(opened, {})
            told: list[events.Event] = []
            deeds: list[audit.Deed] = []
            it = onboarding.StoredOnboarding(
                opened,
                time,
                known,
                registry.installed(),
                engine,
                _scan,
                place / "credentials",
                discovery.Limits(deadline=280),
                sink=lambda _, event: told.append(event),
                told=lambda _, deed: deeds.append(deed),
            )
            await body(_World(simulated, opened, known, it, _flagged(simulated), told, deeds))

    asyncio.run(asyncio.wait_for(whole(), 600))


def _flagged(simulated: network.SimulatedNetwork) -> dict[str, str]:
    """The directory of the network, every node flagged for SNMP v2c by its label."""
    files = lab_directory.files(simulated)
    data = json.loads(files["topology-data.json"])
    for node in data["nodes"].values():
        node["labels"]["snmp-community"] = "public"
    return files | {"topology-data.json": json.dumps(data)}


def _all(tenant: str = "default") -> Query:
    return Query(tenant)


def test_import_pins_keys_and_keeps_secrets_out_of_the_database(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        report = await world.onboarding.import_lab("default", world.files, by="op")
        again = await world.onboarding.import_lab("default", world.files)

        assert [(one.device, one.outcome) for one in report.devices] == [
            ("p1", "created"),
            ("pe1", "created"),
        ]
        assert report.links == 1
        assert [one.file for one in report.files] == [n for n in world.files if n != "known_hosts"]
        assert {one.outcome for one in again.devices} == {"unchanged"}
        deed = world.deeds[0]
        assert (deed.actor, deed.action, deed.subject) == ("op", "import", "lab:small")
        assert (deed.detail["created"], deed.detail["links"]) == (2, 1)
        page = await world.onboarding.find(_all())
        assert all(view.trusted and view.managed for view in page.items)
        endpoint = await world.devices.endpoint("pe1")
        login = world.network.devices["pe1"].login
        assert endpoint.credential.password == login.password
        assert (endpoint.address, endpoint.snmp_community) == ("127.30.30.21", "public")
        query = sa.select(tables.devices)
        for row in await world.store.read(lambda c: c.execute(query).mappings().all()):
            assert row["password_ref"].startswith(f"file:{tmp_path}/credentials/default/small/")
            assert login.password not in [row[name] for name in row if name != "username"]
        who = sa.select(tables.device_keys.c.accepted_by).distinct()
        found = await world.store.read(lambda c: c.execute(who).scalars().all())
        assert found == ["import of lab small"]

    _run(database_url, tmp_path, body)


def test_discovery_finds_ports_and_links_on_which_both_ends_agree(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        await world.onboarding.import_lab("default", world.files)
        assert {(one.kind.value, one.payload["name"]) for one in world.told} == {
            ("ResourceCreateEvent", name) for name in ("p1", "pe1", "eth1")
        }
        assert len(world.told) == 4, "the second import is no news"
        found = await world.onboarding.discover("default")
        created = [one for one in world.told if one.kind is events.EventKind.RESOURCE_CREATE]
        listed = await ports.ResourcePort(world.store).find(_all())
        assert sorted(one.payload["id"] for one in created) == sorted(r.id for r in listed.items)

        assert [(one.device, one.neighbours, one.reason) for one in found] == [
            ("p1", 1, ""),
            ("pe1", 1, ""),
        ]
        (link,) = await world.onboarding.links("default")
        assert (link.a_device, link.a_port, link.z_device, link.z_port) == (
            "p1",
            "eth1",
            "pe1",
            "eth1",
        )
        assert link.evidence == "declared by lab small; LLDP, both ends agree"
        view = await world.onboarding.get("default", "pe1")
        assert {port.name for port in view.interfaces} >= {"eth1", "eth2"}
        assert view.serial is not None
        assert view.last_seen is not None
        assert await world.devices.by_address("127.30.30.21") == "pe1"
        assert await world.devices.by_address("127.30.30.99") is None
        assert await world.devices.by_address("x\n") is None
        assert [one.device for one in await world.devices.pollable()] == ["p1", "pe1"]

    _run(database_url, tmp_path, body)


def test_a_silent_device_has_its_reason_and_the_other_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        world.network.agents["p1"].silent = True
        await world.network.devices["p1"].__aexit__(None, None, None)
        found = await world.onboarding.discover("default")

        p1, pe1 = found
        assert "SNMP" in p1.reason
        assert (pe1.reason, pe1.neighbours) == ("", 1)
        view = await world.onboarding.get("default", "p1")
        assert view.unreachable_since is not None
        assert view.reason == p1.reason

    _run(database_url, tmp_path, body)


def test_trust_pins_what_the_device_shows_and_nothing_else(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files | {"known_hosts": ""})
        with pytest.raises(errors.DeviceRefused, match="no host key is pinned"):
            await world.devices.endpoint("pe1")
        assert await world.devices.pollable() == ()
        (refused, *_) = await world.onboarding.discover("default", "pe1")
        assert "no host key is pinned" in refused.reason

        with pytest.raises(errors.Conflict, match="shows SHA256:") as told:
            await world.onboarding.trust("default", "pe1", "SHA256:wrong")
        shown = told.value.reason.split("shows ")[1].split(",")[0]
        view = await world.onboarding.trust("default", "pe1", shown, by="op")
        deed = world.deeds[-1]
        assert (deed.actor, deed.action, deed.subject) == ("op", "trust", "device:pe1")
        assert deed.detail == {"fingerprint": shown}

        assert (view.trusted, view.fingerprints) == (True, (shown,))
        assert (await world.devices.endpoint("pe1")).host_keys != ()
        with pytest.raises(errors.NotFound):
            await world.onboarding.trust("other", "pe1", shown)

    _run(database_url, tmp_path, body)


def test_a_kind_without_driver_is_unmanaged_and_a_taken_name_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        data = json.loads(world.files["topology-data.json"])
        data["nodes"]["pe1"]["labels"]["platform"] = "nokia_srlinux"
        files = world.files | {"topology-data.json": json.dumps(data)}
        _, pe1 = (await world.onboarding.import_lab("default", files)).devices
        assert pe1.outcome == "created"
        assert "unmanaged: no driver for platform 'nokia_srlinux'" in pe1.reason
        data["nodes"]["pe1"]["labels"].pop("platform")
        data["nodes"]["pe1"]["kind"] = "nokia_srlinux"
        known = {"topology-data.json": json.dumps(data)}  # alone: the inventories have its old kind
        _, pe1 = (await world.onboarding.import_lab("default", known)).devices
        assert pe1.reason.startswith("listed, nothing is written to it: Nokia SR Linux has no")
        with pytest.raises(errors.DeviceRefused, match="not managed"):
            await world.devices.endpoint("pe1")

        for tenant, name in (("default", "another"), ("other", "small")):
            data["name"] = name
            files = known | {"topology-data.json": json.dumps(data)}
            report = await world.onboarding.import_lab(tenant, files)
            assert {one.outcome for one in report.devices} == {"refused"}
            assert report.links == 0
        assert not (tmp_path / "credentials" / "other" / "small" / "pe1.password").exists()
        assert (await world.onboarding.find(_all("other"))).total == 0

    _run(database_url, tmp_path, body)


@pytest.mark.parametrize(("name", "why"), [("r1-1", "order ro17"), ("core-vni", "a pool is")])
def test_a_name_that_would_give_two_resources_one_id_is_refused(
    database_url: str, tmp_path: Path, name: str, why: str
) -> None:
    async def body(world: _World) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        mine = [pools.PoolRange("core-vni", 1, 9)]
        await world.store.write(lambda c: pools.seed(c, mine, tenant="default", at=at))
        text = world.files["topology-data.json"].replace('"pe1"', f'"{name}"')
        only = {"topology-data.json": text}
        report = await world.onboarding.import_lab("default", only)
        (refused,) = [one for one in report.devices if one.device == name]
        assert refused.outcome == "refused"
        assert why in refused.reason
        assert "one id in TMF639: rename the device" in refused.reason
        other = [pools.PoolRange("pe1", 1, 9)]
        await world.onboarding.import_lab("default", world.files)
        with pytest.raises(errors.ConfigurationError, match="pool pe1 is called as a device"):
            await world.store.write(lambda c: pools.seed(c, other, tenant="default", at=at))
        known = await world.store.read(lambda c: [one.name for one in pools.rows(c)])
        assert known == ["core-vni"]

    _run(database_url, tmp_path, body)


def test_a_pool_and_a_device_that_had_one_name_before_it_was_refused_stop_no_start(
    database_url: str, tmp_path: Path
) -> None:
    """Nobody could help it: living services have values of the pool, and the device is what it is."""

    async def body(world: _World) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        mine = [pools.PoolRange("core-vni", 1, 9)]
        await world.store.write(lambda c: pools.seed(c, mine, tenant="default", at=at))
        await world.onboarding.import_lab("default", world.files)
        renamed = sa.update(tables.devices).where(tables.devices.c.name == "pe1")
        await world.store.write(lambda c: c.execute(renamed.values(name="core-vni")))
        wider = settings.Pool(name="core-vni", first=1, last=99)
        on = SimpleNamespace(
            tree=settings.Settings(pools=(wider,)), rows=world.store, time=clock.SystemClock()
        )
        with structlog.testing.capture_logs() as told:
            await app_pools.settle(cast("ground.Ground", on))
        (known,) = await world.store.read(pools.rows)
        assert (known.name, known.values.last) == ("core-vni", 99)
        (one,) = told
        assert (one["log_level"], one["name"]) == ("error", "core-vni")

    _run(database_url, tmp_path, body)


def test_why_names_the_service_and_its_order(database_url: str, tmp_path: Path) -> None:
    def own(connection: sa.Connection) -> None:
        ownership.own(
            connection,
            ownership.Holding("svc-1", "pe1", "netconf"),
            ["/services/eline[name=acme]", "/profiles/rate-profile[name=gold]"],
            order="17",
            tenant="default",
            at=clock.SystemClock().now(),
        )
        ownership.own(
            connection,
            ownership.Holding("svc-2", "pe1", "netconf"),
            ["/profiles/rate-profile[name=gold]"],
            order="18",
            tenant="other",
            at=clock.SystemClock().now(),
        )

    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        await world.store.write(own)

        (owner,) = await world.onboarding.why("default", "pe1", "/services/eline[name=acme]/vni")
        assert (owner.service, owner.order, owner.store) == ("svc-1", "17", "netconf")
        shared = await world.onboarding.why("default", "pe1", "/profiles/rate-profile[name=gold]")
        assert [one.service_name for one in shared] == ["svc-1", "a service of another tenant"]
        assert [(one.service, one.order) for one in shared] == [("svc-1", "17"), ("", "")]
        assert await world.onboarding.why("default", "pe1", "/system/hostname") == ()
        every = await world.onboarding.why("default", "pe1")
        assert [one.path for one in every] == [
            "/profiles/rate-profile[name=gold]",
            "/profiles/rate-profile[name=gold]",
            "/services/eline[name=acme]",
        ]
        with pytest.raises(errors.NotFound):
            await world.onboarding.why("other", "pe1", "/services")

    _run(database_url, tmp_path, body)


def test_devices_are_found_by_what_they_are(database_url: str, tmp_path: Path) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        asked = replace(_all(), filters=(Filter("role", Operator.EQ, ("pe",)),))
        assert [view.name for view in (await world.onboarding.find(asked)).items] == ["pe1"]

    _run(database_url, tmp_path, body)


def test_what_a_lab_no_longer_says_ends_and_is_remembered(
    database_url: str, tmp_path: Path
) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        data = json.loads(world.files["topology-data.json"])
        data["links"] = []
        data["nodes"]["pe1"]["labels"]["site"] = "west"
        files = world.files | {"topology-data.json": json.dumps(data)}
        report = await world.onboarding.import_lab("default", files)

        assert [one.outcome for one in report.devices] == ["unchanged", "updated"]
        assert await world.onboarding.links("default") == ()
        ended = sa.select(tables.links).where(sa.not_(history.current(tables.links)))
        assert len(await world.store.read(lambda c: c.execute(ended).all())) == 2

    _run(database_url, tmp_path, body)


def test_what_files_do_not_tell_stays_as_it_is(database_url: str, tmp_path: Path) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        links = await world.onboarding.links("default")
        before = await world.devices.endpoint("pe1")
        for file, text in (
            ("topology-data.json", world.files["topology-data.json"]),  # it tells no login
            ("inspect.json", _inspected()),  # it tells no label and no link either
        ):
            report = await world.onboarding.import_lab("default", {file: text})
            assert [(one.outcome, one.reason) for one in report.devices] == [("unchanged", "")] * 2
            assert report.links == 1
            assert await world.devices.endpoint("pe1") == before
        assert await world.onboarding.links("default") == links

    _run(database_url, tmp_path, body)


def _inspected() -> str:
    """What containerlab inspect says of the small lab: a kind that comes up with a login of its own."""
    nodes = [
        {
            "lab_name": "small",
            "name": f"sim-small-{node.name}",
            "kind": "arista_ceos",
            "state": "running",
            "ipv4_address": f"{node.address}/8",
        }
        for node in _SMALL.nodes
    ]
    return json.dumps({"small": nodes})


def test_five_routers_are_discovered_at_once(tmp_path: Path) -> None:
    async def body(world: _World) -> None:
        await world.onboarding.import_lab("default", world.files)
        found = await world.onboarding.discover("default")
        assert [one.reason for one in found] == [""] * 5
        links = await world.onboarding.links("default")
        assert len(links) == 7
        assert {link.evidence for link in links} == {
            "declared by lab telco5; LLDP, both ends agree"
        }

    _run(f"sqlite:///{tmp_path / 'agent.db'}", tmp_path, body, TELCO5)
