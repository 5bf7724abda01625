"""The registry: one driver a platform, named for it; the unknown lists the known."""

from __future__ import annotations

from importlib import metadata

import pytest

from drivers.cli.driver import ProbeDriver
from drivers.netconf.driver import NetconfDriver
from oss_agent import registry
from oss_agent.errors import ConfigurationError
from oss_agent.spi import device

ROUTER = NetconfDriver("frr_linux")
HOST = ProbeDriver("linux_host")


def test_installed_packages_announce_their_drivers() -> None:
    found: device.Drivers = registry.installed()

    assert found.driver("sim_netconf") == NetconfDriver("sim_netconf")
    assert found.driver("linux_host") == HOST


def test_a_second_claim_to_a_platform_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="two drivers claim the platform frr_linux"):
        registry.Registry([("frr_linux", ROUTER), ("frr_linux", ROUTER)])


def test_a_driver_is_announced_under_its_platform() -> None:
    with pytest.raises(ConfigurationError, match="announced as frr says it is for frr_linux"):
        registry.Registry([("frr", ROUTER)])


def test_an_unknown_platform_lists_the_known() -> None:
    known = registry.Registry([("frr_linux", ROUTER), ("linux_host", HOST)])

    with pytest.raises(ConfigurationError, match="there are drivers for: frr_linux, linux_host"):
        known.driver("sim_cli")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("drivers.nobody.driver:DRIVER", "cannot be loaded"),
        ("drivers.frr_linux.driver:NOTHING", "cannot be loaded"),
        ("drivers.text:clean", "cannot be loaded"),
    ],
)
def test_a_driver_that_does_not_load_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, why: str
) -> None:
    entry = metadata.EntryPoint("odd", value, registry.GROUP)

    def entries(*, group: str) -> list[metadata.EntryPoint]:
        return [entry] if group == registry.GROUP else []

    monkeypatch.setattr(metadata, "entry_points", entries)

    with pytest.raises(ConfigurationError, match=rf"the driver odd \({value}\) {why}"):
        registry.installed()
