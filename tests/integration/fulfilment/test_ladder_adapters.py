"""One order over each adapter (netmiko, ncclient), and over real servers: netconfd and FRR's vtysh."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from drivers.cli.configuring import LinesDriver
from drivers.netconf.driver import NetconfDriver
from drivers.netmiko_adapter.driver import NetmikoDriver
from drivers.stores import StoresDriver
from lab import peers
from oss_agent.fulfilment.record import journal, participant_rows, states
from oss_agent.spi import device, views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated_cli import Faults
from tests import lab_or_skip
from tests.contract import adapter_peers, driver_peers
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.ladder import Others
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
COMPLETED, FAILED = views.OrderState.COMPLETED, views.OrderState.FAILED


@pytest.mark.parametrize("fault", [Faults(), Faults(error_at=3)], ids=["completes", "aborts"])
async def test_netmiko_and_ncclient_carry_one_order(
    fault: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncclient.transport.session.TICK", 0.005)
    netmiko = ("command_line:", "netmiko: {device_type: cisco_ios}\ncommand_line:")
    with (
        adapter_peers.data("sim_cli", netmiko) as folder,
        driver_peers.by_ncclient("sim_netconf") as ncclient,
    ):
        drivers = Others(
            {"sim_cli": NetmikoDriver("sim_cli", data=folder), "sim_netconf": ncclient}
        )
        async with ladder.network(tmp_path, drivers=drivers) as net:
            net.box.faults = fault
            key = await ladder.eline(net.world)
            assert await net.agree(key) is (COMPLETED if fault == Faults() else FAILED)
            found = await net.world.participants(key)
            assert (found["pe1"].rung, found["sw1"].rung) == (Rung.PERSIST, Rung.LINES)


@dataclass(frozen=True)
class Real:
    """A real device: where its stores are."""

    where: device.Endpoint

    def endpoint(self) -> device.Endpoint:
        """As the simulated ones say it."""
        return self.where


def _endpoint(
    name: str, platform: str, server: peers.NetconfPeer, router: peers.FrrPeer | None = None
) -> Real:
    keys, ports = [server.host_key], {"netconf": server.port}
    if router is not None:
        keys, ports = [*keys, router.host_key], {**ports, "ssh": router.port}
    login = device.Credential(server.user, server.password)
    return Real(device.Endpoint(name, platform, server.host, login, tuple(keys), ports))


@contextlib.contextmanager
def real_drivers() -> Iterator[Others]:
    """The shipped data; no packet moves between these servers, so nothing is asked of any.

    ``sim_netconf`` stands for a router that has the NETCONF store alone: with netconfd's facts.
    """
    facts = [
        (
            "validate_harmless: true",
            "validate_harmless: false\n  locks: [candidate]\n  knocks: true",
        ),
    ]
    snmp = ("  - snmp\nports", "  - simulated\nports")
    with (
        adapter_peers.data("sim_netconf", *facts) as one,
        adapter_peers.data("frr_linux", snmp) as two,
    ):
        shutil.copy(one / "sim_netconf" / "observe.yaml", two / "frr_linux")
        both = StoresDriver((NetconfDriver("frr_linux", two), LinesDriver("frr_linux", two)))
        yield Others({"frr_linux": both, "sim_netconf": NetconfDriver("sim_netconf", one)})


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[World]:
    """rt1: netconfd with a candidate (PERSIST) and FRR's vtysh (LINES); rt2: netconfd, RUNNING."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(lab_or_skip.needed())
        candidate = stack.enter_context(peers.netconfd())
        running = stack.enter_context(peers.netconfd(target="running"))
        router = stack.enter_context(peers.frr())
        others = {
            "rt1": _endpoint("rt1", "frr_linux", candidate, router),
            "rt2": _endpoint("rt2", "sim_netconf", running),
        }
        drivers = stack.enter_context(real_drivers())
        async with worlds.open_world(tmp_path, names=(), others=others, drivers=drivers) as world:
            await ladder.seed_pools(world)
            yield world


SITES = {
    "sites": [
        {"port": "rt1:eth4", "address": "172.16.1.1/24"},
        {"port": "rt2:eth4", "address": "172.16.2.1/24"},
    ]
}


async def _everything(world: World) -> dict[str, str]:
    """Both stores of rt1, and rt2."""
    driver = world.drivers.driver("frr_linux")
    async with driver.session(world.others["rt1"].endpoint(), "vtysh") as session:
        return await world.snapshots() | {"vtysh": await session.snapshot()}


@pytest.mark.peer
async def test_real_servers_on_three_rungs_complete_and_go_back(real: World) -> None:
    before = await _everything(real)
    service = await ladder.carried_out(real, views.ItemAction.ADD, SITES, specification="l3vpn")
    after = await _everything(real)
    assert all(after[name] != text for name, text in before.items())

    # A change of all three that is cancelled while every one of them is HELD.
    key = await ladder.send(real, views.ItemAction.DELETE, {}, service=service)
    await real.feeder.feed()
    await real.flow.step()
    await real.flow.step()
    held = await real.rows.read(lambda c: participant_rows.of(c, _transaction(c, key)))
    assert {one.rung for one in held} == {Rung.PERSIST, Rung.RUNNING, Rung.LINES}
    assert {one.state for one in held} == {states.State.HELD}
    assert all(text != after[name] for name, text in (await _everything(real)).items())
    await real.cancel(key)
    await real.run_to_the_end()
    assert (await real.get(key)).state is views.OrderState.CANCELLED
    assert await _everything(real) == after

    await ladder.carried_out(real, views.ItemAction.DELETE, {}, service=service)
    assert await _everything(real) == before
    assert not real.alarms.open


def _transaction(connection: sa.Connection, key: str) -> states.Transaction:
    found = journal.load(connection, f"{key}-1")
    assert found is not None
    return found
