"""The inventory meets the real lab: imported from its own files, discovered by SNMP, LLDP and SSH."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from drivers import key_scan
from drivers.snmp import engine as snmp_engine
from inventory.devices import devices
from inventory.onboarding import onboarding
from inventory.planning import ledger
from inventory.rows import tables
from lab.runner import Lab
from oss_agent import clock, registry, store
from oss_agent.spi.views import LinkView

pytestmark = pytest.mark.lab

T = TypeVar("T")
_ROUTERS = {"p1", "p2", "pe1", "pe2", "pe3"}
Question = Callable[[onboarding.StoredOnboarding, store.SqlStore], Awaitable[T]]


def _files(network: Lab) -> dict[str, str]:
    """The lab's directory; routers are flagged for SNMP v2c as a careful operator would."""
    place = network.known_hosts.parent
    files = {path.name: path.read_text() for path in place.iterdir() if path.is_file()}
    data = json.loads(files["topology-data.json"])
    for name in _ROUTERS:
        data["nodes"][name]["labels"].setdefault("snmp-community", "public")
    return files | {"topology-data.json": json.dumps(data)}


def _ask(network: Lab, place: Path, question: Question[T]) -> T:
    async def whole() -> T:
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(
                store.open_store(f"sqlite:///{place / 'agent.db'}")
            )
            await opened.write(tables.METADATA.create_all)
            engine = await stack.enter_async_context(snmp_engine.running(clock.SystemClock()))
            it = onboarding.StoredOnboarding(
                opened,
                clock.SystemClock(),
                devices.StoredDevices(opened, {}),
                registry.installed(),
                engine,
                key_scan.scan,
                place / "credentials",
            )
            return await question(it, opened)

    with network.in_mgmt():
        return asyncio.run(asyncio.wait_for(whole(), 600))


def test_the_lab_is_imported_and_discovered(telco5: Lab, tmp_path: Path) -> None:
    async def question(it: onboarding.StoredOnboarding, opened: store.SqlStore) -> None:
        report = await it.import_lab("default", _files(telco5))
        assert [one.device for one in report.devices if one.outcome != "created"] == []
        assert report.links == 13
        began = time.monotonic()
        while True:
            found = await it.discover("default")
            troubled = [(one.device, one.reason) for one in found if one.reason]
            agreed = [link for link in await it.links("default") if _agreed(link)]
            if (len(agreed) >= 7 and not troubled) or time.monotonic() - began > 300:
                break
            await asyncio.sleep(2)
        assert troubled == []
        assert {(link.a_device, link.z_device) for link in agreed if _core(link)} == {
            ("p1", "p2"),
            *((core, edge) for core in ("p1", "p2") for edge in ("pe1", "pe2", "pe3")),
        }
        snapshot = await opened.read(
            lambda c: ledger.SqlLedger(clock.SystemClock()).snapshot(c, "default")
        )
        pe1 = snapshot.devices["pe1"]
        assert (pe1.trusted, pe1.managed, pe1.router_id) == (True, True, "10.255.0.11")
        test_point = pe1.ports["eth4"].test_point
        assert test_point is not None
        assert (test_point.device, test_point.address) == ("b1", "192.168.50.1")
        assert pe1.ports["eth4"].oper_status == "up"
        used = {name for name, port in pe1.ports.items() if port.use}
        assert used >= {"lo", "eth0", "eth1", "eth2"}, "management, loopback and core"
        assert not used & {"eth3", "eth4"}, "the customers' ports"
        print([(one.device, one.interfaces, one.neighbours) for one in found])

    _ask(telco5, tmp_path, question)


def test_the_key_a_router_shows_is_the_one_its_lab_wrote(telco5: Lab, tmp_path: Path) -> None:
    async def question(it: onboarding.StoredOnboarding, _: store.SqlStore) -> None:
        await it.import_lab("default", _files(telco5))
        pinned = (await it.get("default", "pe1")).fingerprints
        assert (await it.trust("default", "pe1", pinned[0])).fingerprints == pinned

    _ask(telco5, tmp_path, question)


def _agreed(link: LinkView) -> bool:
    return "LLDP, both ends agree" in link.evidence


def _core(link: LinkView) -> bool:
    return {link.a_device, link.z_device} <= _ROUTERS
