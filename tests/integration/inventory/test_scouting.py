"""Onboarding by address: what answers is taken in unmanaged, nothing secret is sent, no one is merged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from device_models import detect
from drivers import ssh_banner
from inventory.devices import device_views, standings
from inventory.onboarding import scouting
from inventory.rows import history, tables
from inventory.words import secrets
from oss_agent import clock, errors, registry, store
from oss_agent.platforms import proofs
from oss_agent.spi import audit, snmp
from oss_agent.spi.scouting import USUAL, Login, Ports, Scouted

pytestmark = pytest.mark.anyio

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4vKbKLSDfqmI1i8QjK2oF6vJQWmFKTbVwqo3PpJEnk"
_EOS = (1, 3, 6, 1, 4, 1, 30065, 1, 2759)
_SAID = b"Arista Networks EOS version 4.16.14M running on an Arista Networks vEOS"


@dataclass
class Network:
    """What answers at which address; everything that was sent is kept."""

    agents: Mapping[str, tuple[snmp.Value, ...]] = field(default_factory=dict[str, Any])
    servers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ports: Sequence[int] = (22,)
    at_once: int = 0
    most: int = 0

    async def scan(self, device: str, address: str, port: int) -> tuple[str, ...]:
        self.asked.append(("keys", address))
        if device in self.servers and port in self.ports:
            return (_KEY, "ssh-rsa not-a-key")
        raise errors.DeviceUnreachable(device, "nobody")

    async def banner(self, address: str, port: int) -> bytes:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.servers.get(address, b"") if port in self.ports else b""

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        self.asked.append((target.community, target.address))
        if target.address not in self.agents:
            raise snmp.SnmpTimeout("nobody")
        assert len(oids) == 3
        return self.agents[target.address]


class _Engine(Network):
    """The part of an SNMP engine that is used."""

    poll: Any = None
    traps: Any = None
    counters: Any = None


@dataclass
class World:
    network: _Engine
    scout: scouting.AddressScout
    rows: store.SqlStore
    place: Path
    deeds: list[audit.Deed]

    async def onboard(
        self, *targets: str, platform: str = "", ports: Ports = USUAL, **login: Any
    ) -> list[Scouted]:
        given = Login(**{"username": "admin", "password": "s3cret", **login})
        found = await self.scout.onboard(
            "default", targets, given, platform=platform, ports=ports, by="op"
        )
        return list(found)

    async def names(self) -> list[str]:
        return await self.rows.read(lambda c: device_views.names(c, "default"))


@pytest.fixture
async def it(engine: sa.Engine, database_url: str, tmp_path: Path) -> Any:
    del engine  # it made the tables
    async with store.open_store(database_url) as rows:
        network = _Engine()
        drivers = registry.installed()
        standing = standings.Standings(proofs.InstalledProofs(), detect.detect)
        ways = scouting.Ways(
            network.scan, network.banner, network, detect.detect, drivers, standing
        )
        deeds: list[audit.Deed] = []
        made = scouting.AddressScout(
            rows,
            clock.SystemClock(),
            ways,
            tmp_path / "credentials",
            told=lambda _, deed: deeds.append(deed),
        )
        yield World(network, made, rows, tmp_path, deeds)


async def test_what_answers_is_taken_in_with_what_it_is(it: World) -> None:
    it.network.agents = {"192.0.2.1": (_SAID, _EOS, b"leaf1")}
    it.network.servers = {"192.0.2.1": b"SSH-2.0-OpenSSH_9.2", "192.0.2.2": b"SSH-2.0-Cisco-1.25"}

    leaf, cisco, silent = await it.onboard("192.0.2.1-192.0.2.3", community="lab")

    assert (leaf.device, leaf.vendor, leaf.os, leaf.version) == (
        "leaf1",
        "Arista",
        "EOS",
        "4.16.14M",
    )
    assert (leaf.outcome, leaf.platform, leaf.managed) == ("created", "arista_eos", True)
    assert leaf.reason == "read-only: arista_eos is not proven on EOS 4.16.14M (vEOS)"
    kept = await it.rows.read(lambda c: device_views.get(c, "default", "leaf1"))
    assert (kept.standing, kept.version, kept.model) == ("read-only", "4.16.14M", "vEOS")
    other = await it.rows.read(lambda c: device_views.get(c, "default", cisco.device))
    assert (other.standing, cisco.managed) == ("listed", False)
    assert (len(leaf.fingerprints), leaf.fingerprints[0][:7]) == (1, "SHA256:")
    assert (cisco.device, cisco.vendor, cisco.os) == ("at-192.0.2.2", "Cisco", "IOS")
    assert cisco.reason == "no driver for IOS"
    assert (silent.outcome, silent.device) == ("silent", "")
    assert "SNMP (161)" in silent.reason
    assert await it.names() == ["at-192.0.2.2", "leaf1"]
    told = [(one.actor, one.action, one.subject, one.detail["address"]) for one in it.deeds]
    assert told == [
        ("op", "onboard", "device:leaf1", "192.0.2.1"),
        ("op", "onboard", "device:at-192.0.2.2", "192.0.2.2"),
    ]


async def test_again_is_known_and_asked_nothing(it: World) -> None:
    it.network.servers = {"2001:db8::7": b"SSH-2.0-x"}
    await it.onboard("2001:db8::7")
    it.network.asked.clear()
    again = await it.onboard("2001:db8::7")
    assert [(one.outcome, one.device) for one in again] == [("known", "at-2001-db8--7")]
    assert it.network.asked == []


async def test_ssh_and_netconf_may_be_on_other_ports(it: World) -> None:
    it.network.servers = {"192.0.2.1": b"SSH-2.0-x"}
    it.network.ports = (2222, 8300)
    (found,) = await it.onboard("192.0.2.1", ports=Ports((22, 2222), (831, 8300)))
    assert (found.outcome, dict(found.ports)) == ("created", {"ssh": 2222, "netconf": 8300})
    d = tables.devices.c
    query = sa.select(d.ports).where(history.current(tables.devices))
    assert await it.rows.read(lambda c: c.execute(query).scalar_one()) == found.ports

    (silent,) = await it.onboard("192.0.2.2", ports=Ports((23, 24), ()))
    assert silent.reason == "nothing answers on SSH (23, 24)"
    for wrong in (Ports((), ()), Ports((0,), ()), Ports(tuple(range(1, 10)), ())):
        with pytest.raises(errors.OrderRejected, match="name 1 to 8 ports"):
            await it.onboard("192.0.2.3", ports=wrong)


async def test_no_password_leaves_before_a_key_is_pinned(it: World) -> None:
    it.network.servers = {"192.0.2.1": b"SSH-2.0-x"}
    await it.onboard("192.0.2.1")
    assert it.network.asked == [("keys", "192.0.2.1")]
    d = tables.devices.c
    query = sa.select(d.password_ref, d.managed).where(history.current(tables.devices))
    reference, managed = (await it.rows.read(lambda c: c.execute(query).all()))[0]
    assert managed is False
    assert secrets.resolve(str(reference), {}) == "s3cret"
    assert str(reference).startswith(f"file:{it.place}")


async def test_what_the_operator_knows_counts(it: World) -> None:
    it.network.servers = {"192.0.2.1": b"SSH-2.0-x"}
    seen = (await it.onboard("192.0.2.1", platform="frr_linux"))[0]
    assert (seen.platform, seen.managed, seen.reason) == ("frr_linux", True, "")
    with pytest.raises(errors.OrderRejected, match="no driver for platform 'nonsense'"):
        await it.onboard("192.0.2.2", platform="nonsense")


@pytest.mark.parametrize(
    "name", [b"\x00" * 65_536, b"../../etc", b"<script>", b"leaf1\n", b"A" * 70, b"\x1b[2J", b""]
)
async def test_two_of_one_name_stay_two_and_a_hostile_name_is_none(it: World, name: bytes) -> None:
    said = b"<script>\x00\x1b[2J" * 5_000
    it.network.agents = {f"192.0.2.{n}": (said, _EOS, name) for n in (1, 2)}
    found = await it.onboard("192.0.2.1", "192.0.2.2", community="lab")
    assert len({one.device for one in found}) == 2
    for one in found:
        assert one.device == "leaf1" or one.device.startswith("at-192.0.2.")
        assert one.reason.isprintable()
        assert "shows no host key" in one.reason


async def test_who_calls_itself_after_anothers_address_is_not_called_so(it: World) -> None:
    it.network.agents = {
        "192.0.2.1": (_SAID, _EOS, b"at-192.0.2.2"),
        "192.0.2.2": (_SAID, _EOS, b""),
        "192.0.2.3": (_SAID, _EOS, b"at-vienna-1"),
    }
    found = await it.onboard("192.0.2.1-192.0.2.3", community="lab")
    assert [one.device for one in found] == ["at-192.0.2.1", "at-192.0.2.2", "at-vienna-1"]


async def test_who_calls_itself_as_an_orders_resource_is_not_called_so(it: World) -> None:
    it.network.agents = {"192.0.2.1": (_SAID, _EOS, b"r17-1")}
    (found,) = await it.onboard("192.0.2.1", community="lab")
    assert found.device == "at-192.0.2.1"
    assert "it calls itself r17-1 and is at-192.0.2.1 here" in found.reason
    assert "rename the device" in found.reason


async def test_two_requests_at_once_take_a_device_in_once(it: World) -> None:
    it.network.agents = {"192.0.2.1": (_SAID, _EOS, b"leaf1")}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(it.onboard("192.0.2.1", community="lab")) for _ in range(3)]
    told = sorted((one.outcome, one.device) for task in tasks for one in task.result())
    assert told == [("created", "leaf1"), ("known", "leaf1"), ("known", "leaf1")]
    assert await it.names() == ["leaf1"]


async def test_several_requests_ask_no_more_at_once_than_one(it: World) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(it.onboard(f"10.1.{number}.0/26"))
    assert 1 < it.network.most <= 32


async def test_a_family_that_this_machine_has_not_is_silent(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get(target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        del target, oids
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(it.network, "get", get)
    assert [one.outcome for one in await it.onboard("2001:db8::7", community="lab")] == ["silent"]


async def test_a_thousand_addresses_are_asked_a_few_at_once(it: World) -> None:
    found = await it.onboard("10.1.0.0/22")
    assert len(found) == 1_022
    assert {one.outcome for one in found} == {"silent"}
    assert 1 < it.network.most <= 32
    assert list(it.place.glob("credentials/**/*")) == []
    assert await it.names() == []


@pytest.mark.parametrize(
    ("login", "field"),
    [
        ({"password": "a\nb"}, "password"),
        ({"community": ""}, "community"),
        ({"username": "a b"}, "username"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is_asked(
    it: World, login: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        await it.onboard("192.0.2.1", **login)
    assert refused.value.field == field
    assert it.network.asked == []


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"SSH-2.0-x\r\n", b"SSH-2.0-x"),
        (b"hello\r\nSSH-2.0-y\r\n", b"SSH-2.0-y"),
        (b"220 ftp\r\n", b""),
        (b"x" * 100_000, b""),
        (b"x\n" * 100_000, b""),
        (b"", b""),
    ],
)
async def test_a_banner_is_read_bounded(sent: bytes, read: bytes) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        assert await ssh_banner.read("127.0.0.1", port) == read
