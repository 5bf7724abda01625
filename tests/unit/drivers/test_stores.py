"""A device of two stores: one connection, and nobody spoken to who is not asked."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from drivers import steps
from drivers.cli import difference
from drivers.cli.configuring import LinesDriver
from drivers.frr_linux.driver import DRIVER
from drivers.netconf.driver import NetconfDriver
from drivers.stores import StoresDriver
from oss_agent.errors import ConfigurationError, DeviceRefused
from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import EMPTY, Step, Tree
from oss_agent.testing.simulated import SimulatedDevice
from oss_agent.testing.simulated_cli import SimulatedCli

BOTH = StoresDriver((NetconfDriver("sim_netconf"), LinesDriver("sim_cli")))


def test_each_store_stands_on_its_own_rung() -> None:
    assert DRIVER.stores == ("netconf", "vtysh")
    assert device.rung(DRIVER.declared()) is device.rung(DRIVER.capabilities) is Rung.PERSIST
    assert device.rung(DRIVER.declared("vtysh")) is Rung.LINES


def test_a_store_that_a_filled_template_does_not_mention_takes_no_part() -> None:
    slots = {"name": "acme", "vni": "10", "port": "eth3"}

    assert set(DRIVER.instantiate("eline", slots)) == {"netconf"}
    slots = {"vrf": "acme", "as_number": "65000", "neighbor": "10.0.0.2"}
    assert set(DRIVER.instantiate("l3vpn-peer", slots)) == {"vtysh"}


def test_a_policy_is_shared_and_a_neighbour_is_not() -> None:
    policy = steps.owned("route-map OSS-INTERNET permit 10")
    inside = steps.owned("set community 65000:100")
    neighbour = (Step("router bgp 65000"), steps.owned("neighbor 192.0.2.1 remote-as 65001"))

    assert DRIVER.shareable((policy, inside), "vtysh")
    assert not DRIVER.shareable(neighbour, "vtysh")
    assert not DRIVER.shareable((policy,), "netconf")


def test_each_store_renders_its_own_language() -> None:
    line = Tree(EMPTY.step, children=(Tree(steps.owned("route-map A permit 10")),))

    rendered = DRIVER.render(difference.between(EMPTY, line), "vtysh")
    assert rendered == "route-map A permit 10\n exit\n"


def test_an_unknown_store_lists_the_known() -> None:
    with pytest.raises(ConfigurationError, match="there are: netconf, vtysh"):
        DRIVER.render((), "startup")


@pytest.mark.anyio
async def test_whoever_asks_for_netconf_alone_never_reaches_the_command_line() -> None:
    async with SimulatedDevice("pe1") as netconf, SimulatedCli("pe1") as lines:
        endpoint = dataclasses.replace(
            netconf.endpoint(),
            host_keys=(netconf.host_key, lines.host_key),
            ports={"netconf": netconf.port, "ssh": lines.port},
        )
        async with asyncio.timeout(300), BOTH.connect(endpoint) as connection:
            async with connection.session("netconf") as session:
                await session.snapshot()
            assert (len(netconf.login_attempts), len(lines.login_attempts)) == (1, 0)
            async with connection.session("cli") as session:
                await session.snapshot()
            async with connection.session("cli") as session:
                await session.snapshot()

    assert (len(netconf.login_attempts), len(lines.login_attempts)) == (1, 1)


@pytest.mark.anyio
async def test_a_command_line_that_nobody_knows_the_way_to_is_refused() -> None:
    async with SimulatedCli("pe1") as lines:
        endpoint = dataclasses.replace(lines.endpoint(), host_keys=())
        with pytest.raises(DeviceRefused):
            async with BOTH.session(endpoint, "cli"):
                pass

    assert lines.login_attempts == ()
