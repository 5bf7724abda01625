"""A device that nobody knew is what its NETCONF hello proves, once its key is trusted: a real SSH server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from device_models import detect
from drivers import key_scan, ssh_banner
from drivers.netconf import greeting
from inventory.devices import device_views, devices, standings
from inventory.onboarding import hello_look, onboarding, platform_cases, scouting
from inventory.rows import history, tables
from oss_agent import clock, registry, store
from oss_agent.platforms import proofs
from oss_agent.spi import audit, snmp
from oss_agent.spi.scouting import Login, Ports, Scouted
from oss_agent.spi.views import DeviceView
from oss_agent.testing.simulated import SimulatedDevice
from oss_agent.testing.simulated.offer import Offer

pytestmark = pytest.mark.anyio

_EOS = "http://arista.com/yang/experimental/eos?module=arista-exp-eos&revision=2020-01-06"
_JUNOS = "http://xml.juniper.net/netconf/junos/1.0"


@dataclass
class Agent:
    """What answers SNMP there; nobody at first."""

    said: tuple[snmp.Value, ...] = ()
    poll: Any = None
    traps: Any = None
    counters: Any = None

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        assert (target.address, len(oids)) == ("127.0.0.1", 3)
        if not self.said:
            raise snmp.SnmpTimeout("nobody")
        return self.said


@dataclass
class World:
    rows: store.SqlStore
    place: Path
    stack: AsyncExitStack
    agent: Agent = field(default_factory=Agent)
    deeds: list[audit.Deed] = field(default_factory=list[audit.Deed])
    run_as: str = "frr_linux"
    """What the simulated platform stands for."""

    def __post_init__(self) -> None:
        time, drivers = clock.SystemClock(), registry.installed()
        known = devices.StoredDevices(self.rows, {})
        judge = standings.Standings(proofs.InstalledProofs(), detect.detect)
        ways = hello_look.Ways(greeting.read, ssh_banner.read, self.agent, detect.detect, judge)
        look = hello_look.HelloLook(self.rows, time, known, ways, told=self._told)
        self.scout = scouting.AddressScout(
            self.rows,
            time,
            scouting.Ways(
                key_scan.scan, ssh_banner.read, self.agent, detect.detect, drivers, judge
            ),
            self.place,
        )
        self.desk = onboarding.StoredOnboarding(
            self.rows,
            time,
            known,
            drivers,
            self.agent,
            key_scan.scan,
            self.place,
            standing=judge,
            trusted=look.learn,
            against=lambda _, evidence: detect.against(self.run_as, evidence),
        )

    def _told(self, _: sa.Connection, deed: audit.Deed) -> None:
        self.deeds.append(deed)

    async def box(self, *announced: str) -> SimulatedDevice:
        made = SimulatedDevice("box", offer=Offer(more=announced))
        return await self.stack.enter_async_context(made)

    async def onboard(self, box: SimulatedDevice, password: str | None = None) -> Scouted:
        given = Login(box.login.username, password or box.login.password, "lab")
        ports = Ports(ssh=(), netconf=(box.endpoint().ports["netconf"],))
        (told,) = await self.scout.onboard("default", [box.address], given, ports=ports)
        return told

    async def contradicted(self) -> list[str]:
        c = tables.cases.c
        query = sa.select(c.text).where(
            history.current(tables.cases), c.kind == platform_cases.KIND
        )
        return list(await self.rows.read(lambda it: it.execute(query).scalars().all()))

    async def trusted(self, one: Scouted) -> DeviceView:
        return await self.desk.trust("default", one.device, one.fingerprints[0], by="op")


@pytest.fixture
async def it(engine: sa.Engine, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    del engine  # it made the tables
    async with store.open_store(database_url) as rows, AsyncExitStack() as stack:
        yield World(rows, tmp_path / "credentials", stack)


async def test_trust_manages_what_the_hello_proves_and_nothing_is_sent_before(it: World) -> None:
    box = await it.box(_EOS)
    one = await it.onboard(box)
    assert (one.platform, one.managed, box.login_attempts) == ("", False, ())

    view = await it.trusted(one)

    assert (view.platform, view.managed, view.standing) == ("arista_eos", True, "read-only")
    assert len(box.login_attempts) == 1
    (deed,) = it.deeds
    assert (deed.actor, deed.action, deed.subject) == ("op", "detect", f"device:{one.device}")
    assert deed.detail["because"] == "its NETCONF hello has what only EOS announces"

    await it.trusted(one)
    assert len(box.login_attempts) == 1, "what is known is not asked again"


async def test_a_system_without_a_driver_is_named_and_listed(it: World) -> None:
    one = await it.onboard(await it.box(_JUNOS))
    view = await it.trusted(one)
    assert (view.platform, view.managed) == ("", False)
    assert view.reason.startswith("Juniper Networks Junos OS (its NETCONF hello has what only")
    assert view.reason.endswith("no driver for Junos OS")


async def test_the_hello_is_weighed_with_what_the_agent_says(it: World) -> None:
    one = await it.onboard(await it.box(_EOS))
    it.agent.said = (b"", (1, 3, 6, 1, 4, 1, 2636, 1, 1, 1, 2, 21), b"")
    view = await it.trusted(one)
    assert (view.platform, view.managed) == ("", False)
    assert view.reason == (
        "sysObjectID says Juniper Networks, what else it said Arista: ask a person"
    )


async def test_what_a_person_said_it_is_stays(it: World) -> None:
    box = await it.box(_EOS)
    one = await it.onboard(box)
    change = sa.update(tables.devices).values(platform="frr_linux", managed=True, reason="")
    await it.rows.write(lambda c: c.execute(change))
    assert (await it.trusted(one)).platform == "frr_linux"
    assert box.login_attempts == ()


async def test_a_login_that_is_refused_is_counted_and_ends_after_two(it: World) -> None:
    box = await it.box(_EOS)
    one = await it.onboard(box, password="wrong")
    for tried in (1, 2, 2):
        view = await it.trusted(one)
        assert (view.trusted, view.managed, view.reason) == (True, False, one.reason)
        assert len(box.login_attempts) == tried
    assert it.deeds == []
    kept = await it.rows.read(lambda c: device_views.get(c, "default", one.device))
    assert kept.platform == ""


async def test_a_device_that_is_run_as_what_it_is_not_is_a_case_until_it_fits(it: World) -> None:
    one = await it.onboard(await it.box(_JUNOS))
    facts = {"platform": "sim_netconf", "managed": True, "reason": "", "community_ref": None}
    await it.rows.write(lambda c: c.execute(sa.update(tables.devices).values(facts)))
    await it.trusted(one)

    await it.desk.discover("default", one.device)
    (text,) = await it.contradicted()
    assert text.startswith("it is run as frr_linux and is Juniper Networks Junos OS: its NETCONF")

    it.run_as = "sim_netconf"
    await it.desk.discover("default", one.device)
    assert await it.contradicted() == []
