"""The peers on which the adapters are judged: NAPALM on a simulated eAPI, netmiko on a simulated router."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path as Folder

from device_models import loader
from drivers import steps
from drivers.arista_eos import box as eos_box
from drivers.napalm_adapter.driver import NapalmDriver
from drivers.netmiko_adapter.driver import NetmikoDriver
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import ROOT, Path, Step, Tree
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated_cli import SimulatedCli
from oss_agent.testing.simulated_eapi import SimulatedEos
from tests.contract import line_peers

_BGP = "router bgp 65000"
SCOPE: Path = (Step(_BGP),)
BARE = f"hostname {{name}}\ninterface Ethernet1\n   description core\n{_BGP}\n"


def line(text: str, *below: Tree) -> Tree:
    """A line that a service owns, with what is in its section."""
    return Tree(steps.owned(text), children=below)


def bgp(*lines: Tree) -> Tree:
    """Lines of the BGP process, which nobody owns."""
    return Tree(ROOT, children=(Tree(Step(_BGP), children=lines),))


SAMPLES = (
    bgp(line("vlan 100", line("rd 10.255.0.11:100"), line("route-target both 100:100"))),
    bgp(
        line("vlan 100", line("rd 10.255.0.11:101"), line("redistribute learned")),
        line("vrf acme", line("rd 10.255.0.11:7"), line("route-target import evpn 7:7")),
    ),
    bgp(line("vlan 4094", line("rd 10.255.0.11:4094"))),
)
REFUSED = bgp(line("vlan 4095"))


@contextmanager
def data(platform: str, *changes: tuple[str, str]) -> Iterator[Folder]:
    """A folder with the shipped platform's data, words of its platform.yaml changed."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(loader.SHIPPED / platform, Folder(folder) / platform)
        file = Folder(folder) / platform / "platform.yaml"
        content = file.read_text()
        for old, new in changes:
            assert old in content, old
            content = content.replace(old, new, 1)
        file.write_text(content)
        yield Folder(folder)


@asynccontextmanager
async def eapi(rung: Rung = Rung.TIMED) -> AsyncIterator[Peer]:
    """arista_eos on a simulated eAPI; without its commit timer it stands on REPLACE."""
    # A dead holder's lock is to expire while the suite waits for it, a living one's not while it is slow.
    changes = [("lock_for: 300", "lock_for: 8")]
    if rung is Rung.REPLACE:
        changes.append(("commit-timer, ", ""))
    with data("arista_eos", *changes) as folder:
        async with SimulatedEos("leaf1", configuration_text=BARE) as box:
            yield Peer(
                driver=NapalmDriver("arista_eos", eos_box.made, data=folder),
                endpoint=box.endpoint(),
                scope=SCOPE,
                samples=SAMPLES,
                refused=REFUSED,
                stands_on=rung,
                protocol="eapi",
                patience=0.5,
                shortest_timer=1.0,
                predicts=True,
                logins=lambda: len(box.login_attempts),
                # One request is two answers, TLS's and the device's: first running is looked at.
                answers_before_commit=3,
            )


@asynccontextmanager
async def netmiko() -> AsyncIterator[Peer]:
    """The simulated router's data and lines, carried by netmiko."""
    with data(
        "sim_cli", ("command_line:", "netmiko: {device_type: cisco_ios}\ncommand_line:")
    ) as at:
        async with SimulatedCli("sim1") as box:
            box.change_by_hand(line_peers.ROUTER)
            yield Peer(
                driver=NetmikoDriver("sim_cli", data=at),
                endpoint=box.endpoint(),
                scope=line_peers.SCOPE,
                samples=line_peers.SAMPLES,
                refused=line_peers.REFUSED,
                protocol="ssh",
                excludes=False,
                answers_before_commit=line_peers.ANSWERS_BEFORE,
                logins=lambda: len(box.login_attempts),
            )
