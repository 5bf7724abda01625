"""What neighbours announce is a list first: nobody is asked but in the operator's ranges, nobody is believed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from device_models import detect
from inventory.devices import device_views, standings
from inventory.facts import facts
from inventory.looks import observed
from inventory.onboarding import candidates, scouting
from inventory.rows import tables
from oss_agent import clock, errors, registry, store
from oss_agent.platforms import proofs
from oss_agent.spi import snmp
from oss_agent.spi.detection import Evidence
from oss_agent.spi.query import Query
from oss_agent.spi.scouting import Candidate, Login, Scouted
from tests import with_tables

pytestmark = pytest.mark.anyio

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_EOS = "Arista Networks EOS version 4.19.5M running on an Arista Networks vEOS"
_FRR = "FRRouting 8.4 on Linux"
_PORTS = tuple(facts.InterfaceFact(f"eth{n}", n, "up", "up") for n in range(1, 8))
_OPENSSH = b"SSH-2.0-OpenSSH_9.2"


def _hears(number: int, **said: Any) -> facts.NeighbourFact:
    plain = facts.NeighbourFact(
        f"eth{number}",
        f"4:0011223344{number:02x}",
        5,
        "Et1",
        system_name=f"leaf{number}",
        address=f"192.0.2.{number}",
        description=_EOS,
        capabilities="bridge router",
    )
    return dataclasses.replace(plain, **said)


def _look(connection: sa.Connection, *heard: facts.NeighbourFact, device: str = "pe1") -> None:
    seen = facts.DeviceFacts(
        device,
        chassis=f"4:02000000{device.encode().hex()[-4:]}",
        interfaces=_PORTS,
        addresses=(facts.AddressFact("eth7", "203.0.113.9"),),
        neighbours=heard,
    )
    observed.record(connection, seen, _AT)


class _Network:
    """Servers that name themselves; who was asked is kept."""

    poll: Any = None
    traps: Any = None
    counters: Any = None

    def __init__(self) -> None:
        self.servers: dict[str, bytes] = {}
        self.agents: dict[str, tuple[snmp.Value, ...]] = {}
        self.asked: set[str] = set()

    async def scan(self, device: str, address: str, port: int) -> tuple[str, ...]:
        del port
        raise errors.DeviceUnreachable(device, address)

    async def banner(self, address: str, port: int) -> bytes:
        del port
        self.asked.add(address)
        return self.servers.get(address, b"")

    async def get(self, target: snmp.Target, oids: Any) -> tuple[snmp.Value, ...]:
        del oids
        self.asked.add(target.address)
        if target.address not in self.agents:
            raise snmp.SnmpTimeout("nobody")
        return self.agents[target.address]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is asked of the database here runs on both in ``test_strangers``."""
    return with_tables.copied(tmp_path / "agent.db", tables.METADATA)


@dataclasses.dataclass
class _World:
    network: _Network
    scout: scouting.AddressScout
    rows: store.SqlStore

    async def look(self, *heard: facts.NeighbourFact) -> None:
        await self.rows.write(lambda c: _look(c, *heard))

    async def onboard(
        self, *targets: str, platform: str = "", announced: bool = True
    ) -> list[Scouted]:
        login = Login("admin", "s3cret", "lab")
        found = await self.scout.onboard(
            "default", targets, login, platform=platform, announced=announced, by="op"
        )
        return list(found)


@pytest.fixture
async def it(
    engine: sa.Engine,
    network: Callable[[sa.Connection], None],
    database_url: str,
    tmp_path: Path,
) -> Any:
    del engine  # it made the tables
    async with store.open_store(database_url) as rows:
        await rows.write(network)
        asked = _Network()
        standing = standings.Standings(proofs.InstalledProofs(), detect.detect)
        ways = scouting.Ways(
            asked.scan, asked.banner, asked, detect.detect, registry.installed(), standing
        )
        scout = scouting.AddressScout(rows, clock.SystemClock(), ways, tmp_path / "credentials")
        yield _World(asked, scout, rows)


async def _candidates(it: _World, tenant: str = "default") -> tuple[Candidate, ...]:
    return (await it.scout.candidates(Query(tenant))).items


async def test_only_a_page_of_the_list_is_recognised(
    it: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await it.look(*(_hears(n, description=f"box of kind {n}") for n in range(1, 7)))
    seen = list[str]()

    def watched(some: Any, found: Any) -> Any:
        seen.extend(one.it.name for one in some)
        return recognised(some, found)

    recognised = candidates.recognised
    monkeypatch.setattr(candidates, "recognised", watched)
    page = await it.scout.candidates(Query("default", offset=2, limit=2))

    assert ([one.it.name for one in page.items], page.total) == (["leaf3", "leaf4"], 6)
    assert seen == ["leaf3", "leaf4"]
    assert (await it.scout.candidates(Query("default", offset=6))).items == ()


async def test_the_list_says_what_where_and_by_whom_and_asks_nobody(it: _World) -> None:
    await it.look(_hears(1), _hears(2, description="", address=""))

    one, two = await _candidates(it)
    assert (one.it.name, one.it.vendor, one.it.os, one.it.platform) == (
        "leaf1",
        "Arista",
        "EOS",
        "arista_eos",
    )
    assert (one.addresses, one.heard, one.device, one.reason) == (
        ("192.0.2.1",),
        ("pe1:eth1",),
        "",
        "",
    )
    assert (two.it.os, two.addresses, two.heard) == ("", (), ("pe1:eth2",))
    assert two.reason == "it announces no address that can be asked"
    assert it.network.asked == set()
    assert await _candidates(it, "other") == ()


async def test_of_an_announced_address_only_what_lies_in_the_targets_is_asked(it: _World) -> None:
    await it.look(_hears(1), _hears(2, address="198.51.100.2"))
    it.network.servers = {"192.0.2.1": _OPENSSH, "198.51.100.2": _OPENSSH}

    (found,) = await it.onboard("192.0.0.0/8")
    assert (found.address, found.outcome, found.device) == ("192.0.2.1", "created", "at-192.0.2.1")
    assert it.network.asked == {"192.0.2.1"}
    with pytest.raises(errors.OrderRejected, match="no neighbour that is nobody of ours"):
        await it.onboard("10.0.0.0/8")


async def test_who_lies_in_the_targets_is_looked_up_beside_polls_and_orders(
    it: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await it.look(_hears(1))
    within, threads = candidates.within, list[threading.Thread]()

    def watched(*asked: Any) -> Any:
        threads.append(threading.current_thread())
        return within(*asked)

    monkeypatch.setattr(candidates, "within", watched)
    await it.onboard("192.0.2.0/24")
    assert threads
    assert threading.main_thread() not in threads


async def test_an_address_of_ours_is_never_asked_because_it_was_announced(it: _World) -> None:
    await it.look(_hears(1, address="203.0.113.9"))

    (left,) = await it.onboard("0.0.0.0/0")
    assert (left.outcome, left.device) == ("known", "pe1")
    assert left.reason == "it is the address of pe1:eth7"
    assert it.network.asked == set()


async def test_an_address_of_nobody_is_never_asked_because_it_was_announced(it: _World) -> None:
    # As rows that were written before such addresses were refused at reading.
    await it.look(_hears(1, address="127.0.0.1"), _hears(2, address="224.0.0.5"))

    found = await _candidates(it)
    assert [one.addresses for one in found] == [(), ()]
    with pytest.raises(errors.OrderRejected):
        await it.onboard("0.0.0.0/0")
    assert it.network.asked == set()


async def test_an_address_that_two_announce_is_left_out_and_told(it: _World) -> None:
    await it.look(_hears(1), _hears(2, address="192.0.2.1"))

    (left,) = await it.onboard("192.0.2.0/24")
    assert left.outcome == "left out"
    assert left.reason == (
        "leaf1 (00:11:22:33:44:01) and leaf2 (00:11:22:33:44:02) announce its address"
    )
    assert it.network.asked == set()


async def test_one_box_with_a_chassis_id_on_each_port_is_one_candidate(it: _World) -> None:
    await it.look(_hears(1), _hears(2, address="192.0.2.1", system_name="leaf1"))

    (one,) = await _candidates(it)
    assert (one.addresses, one.heard, one.reason) == (
        ("192.0.2.1",),
        ("pe1:eth1", "pe1:eth2"),
        "",
    )


async def test_what_is_missed_is_no_candidate(it: _World) -> None:
    await it.look(_hears(1))
    await it.rows.write(
        lambda c: observed.record(
            c,
            facts.DeviceFacts("pe1", interfaces=_PORTS, neighbours=()),
            _AT.replace(minute=5),
        )
    )

    assert await _candidates(it) == ()
    assert await it.rows.read(lambda c: candidates.descriptions(c, "default", ["192.0.2.1"])) == {}


@pytest.mark.parametrize(("said", "platform"), [(_EOS, "arista_eos"), (_FRR, "frr_linux")])
async def test_a_system_that_only_neighbours_name_is_told_and_never_managed(
    it: _World, said: str, platform: str
) -> None:
    await it.look(_hears(1, description=said))
    it.network.servers = {"192.0.2.1": _OPENSSH}

    (found,) = await it.onboard("192.0.2.1", announced=False)
    assert (found.outcome, found.platform, found.managed) == ("created", "", False)
    assert found.os == detect.detect(Evidence(description=said)).os
    assert f"if it is, onboard it again with --platform {platform}" in found.reason
    kept = await it.rows.read(lambda c: device_views.get(c, "default", found.device))
    assert (kept.managed, kept.standing, kept.version) == (False, "listed", "")

    (named,) = await it.onboard("192.0.2.1", platform=platform, announced=False)
    assert (named.outcome, named.device, named.managed) == ("named", found.device, True)
    kept = await it.rows.read(lambda c: device_views.get(c, "default", found.device))
    assert (kept.managed, kept.platform, kept.reason) == (True, platform, "")
    (again,) = await it.onboard("192.0.2.1", platform="linux_host", announced=False)
    assert again.outcome == "known", "what a person said once stays"


async def test_a_contradiction_of_its_own_words_is_told_and_not_believed(it: _World) -> None:
    await it.look(_hears(1))
    it.network.servers = {"192.0.2.1": b"SSH-2.0-Cisco-1.25"}

    (found,) = await it.onboard("192.0.2.1", announced=False)
    assert (found.vendor, found.os, found.platform) == ("Cisco", "IOS", "")
    assert "its neighbours hear it announce Arista EOS: not believed" in found.reason


async def test_a_managed_device_stays_what_it_says_whatever_neighbours_hear(it: _World) -> None:
    junos = "Juniper Networks, Inc. mx960 internet router, kernel JUNOS 16.1R6.7, Build date: x"
    await it.look(_hears(1, description=junos))
    it.network.agents = {"192.0.2.1": (_EOS.encode(), (1, 3, 6, 1, 4, 1, 30065, 1), b"leaf1")}

    (found,) = await it.onboard("192.0.2.1", announced=False)
    assert (found.platform, found.managed, found.version) == ("arista_eos", True, "4.19.5M")
    assert "announce Juniper Networks Junos OS: not believed, ask a person" in found.reason


async def test_a_version_that_only_neighbours_tell_proves_nothing(it: _World) -> None:
    await it.look(_hears(1, description="Cisco IOS Software, C2960 Software, Version 12.2(55)SE3"))
    it.network.servers = {"192.0.2.1": b"SSH-2.0-Cisco-1.25"}

    (found,) = await it.onboard("192.0.2.1", announced=False)
    assert (found.os, found.version) == ("IOS", "12.2(55)SE3")
    kept = await it.rows.read(lambda c: device_views.get(c, "default", found.device))
    assert kept.version == ""
