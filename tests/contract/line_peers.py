"""The peers on which the command-line rung is judged: a simulated router, and FRR's vtysh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers import steps
from drivers.frr_linux import driver as frr_linux
from drivers.sim_cli import driver as sim_cli
from lab import peers
from oss_agent.spi import device
from oss_agent.spi.tree import ROOT, Path, Step, Tree
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated_cli import SimulatedCli
from tests import lab_or_skip

ROUTER = "router bgp 65000"
SCOPE: Path = (Step(ROUTER),)
_FAMILY = "address-family ipv4 unicast"
# A block of one section and one line: show, configure, section; the fourth answer is the line's.
ANSWERS_BEFORE = 3


def line(text: str, *below: Tree) -> Tree:
    """A line that a service owns."""
    return Tree(steps.owned(text), children=below)


def section(text: str, *below: Tree) -> Tree:
    """A section that nobody owns."""
    return Tree(Step(text), children=below)


def bgp(*below: Tree) -> Tree:
    """A configuration of the router's BGP process."""
    return Tree(ROOT, children=(section(ROUTER, *below),))


SAMPLES = (
    bgp(line("neighbor 192.0.2.1 remote-as 65001")),
    bgp(
        line("neighbor 192.0.2.1 remote-as 65001"),
        line("neighbor 192.0.2.1 description acme <c> \"d\" 'e' & #1"),
        line("neighbor 198.51.100.9 remote-as 65009"),
        section(_FAMILY, line("network 203.0.113.0/24"), line("redistribute connected")),
    ),
    bgp(
        line("neighbor 192.0.2.1 remote-as 65002"),
        line("neighbor 192.0.2.1 description moved"),
        section(_FAMILY, line("network 203.0.113.0/24")),
    ),
)
# Every router of this kind refuses whatever is said of a neighbour before its remote-as.
REFUSED = bgp(
    line("neighbor 192.0.2.1 remote-as 65001"), line("neighbor 192.0.2.7 description too early")
)


@asynccontextmanager
async def simulated() -> AsyncIterator[Peer]:
    """sim_cli on a simulated router."""
    async with SimulatedCli("sim1") as box:
        box.change_by_hand(ROUTER)
        yield Peer(
            driver=sim_cli.DRIVER,
            endpoint=box.endpoint(),
            scope=SCOPE,
            samples=SAMPLES,
            refused=REFUSED,
            protocol="ssh",
            excludes=False,
            answers_before_commit=ANSWERS_BEFORE,
            logins=lambda: len(box.login_attempts),
        )


def frr_endpoint(router: peers.FrrPeer) -> device.Endpoint:
    """The vtysh of a real router, as frr_linux."""
    return device.Endpoint(
        device="frr",
        platform="frr_linux",
        address=router.host,
        credential=device.Credential(router.user, router.password),
        host_keys=(router.host_key,),
        ports={"ssh": router.port},
    )


@asynccontextmanager
async def real() -> AsyncIterator[Peer]:
    """The second store of frr_linux, on FRR."""
    with lab_or_skip.needed(), peers.frr() as router:
        yield Peer(
            driver=frr_linux.DRIVER,
            endpoint=frr_endpoint(router),
            scope=SCOPE,
            samples=SAMPLES,
            refused=REFUSED,
            store="vtysh",
            protocol="ssh",
            excludes=False,
            answers_before_commit=ANSWERS_BEFORE,
        )
