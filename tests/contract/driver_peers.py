"""The peers on which every configuring driver of ours is judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from drivers.frr_linux import driver as frr_linux
from drivers.sim_netconf import driver as sim_netconf
from lab import peers
from oss_agent.spi import device
from oss_agent.spi.tree import ROOT, Path, Step, Tree
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated import SimulatedDevice, vni_ceiling
from tests import lab_or_skip

SERVICES: Path = (Step("services"),)
# Of a sleeping device: netconfd serves its timer only while nobody asks (devices.md, fact 3).
QUIET = 2.5


def lab_services(*elines: dict[str, str]) -> Tree:
    """A configuration of oss-lab-services with these E-Lines."""
    entries = tuple(
        Tree(
            Step("eline", (("name", eline["name"]),)),
            children=tuple(Tree(Step(k), value=v) for k, v in eline.items() if k != "name"),
        )
        for eline in elines
    )
    return Tree(ROOT, children=(Tree(Step("services"), children=entries),))


SAMPLES = (
    lab_services({"name": "acme-1", "vni": "10010", "port": "eth3", "rate": "2000"}),
    lab_services(
        {"name": "acme-1", "vni": "10011", "port": "eth4"},
        {"name": "zenith", "vni": "77", "port": "eth3", "description": "A & B <c> \"d\" 'e' é"},
    ),
    lab_services({"name": "other", "vni": "16777215", "port": "eth1"}),
)


@asynccontextmanager
async def simulated() -> AsyncIterator[Peer]:
    """sim_netconf on a simulated device."""
    async with SimulatedDevice("sim1", ceilings=[vni_ceiling(16777215)]) as box:
        yield Peer(
            driver=sim_netconf.DRIVER,
            endpoint=box.endpoint(),
            scope=SERVICES,
            samples=SAMPLES,
            refused=lab_services({"name": "acme-1", "vni": "16777216", "port": "eth3"}),
            patience=0.5,
            logins=lambda: len(box.login_attempts),
        )


@contextmanager
def netconfd() -> Iterator[peers.NetconfPeer]:
    """Debian's netconfd, or a skip with the reason (a failure where the lab is required)."""
    with lab_or_skip.needed(), peers.netconfd() as server:
        yield server


@asynccontextmanager
async def real() -> AsyncIterator[Peer]:
    """frr_linux on netconfd."""
    with netconfd() as server:
        yield Peer(
            driver=frr_linux.DRIVER,
            endpoint=device.Endpoint(
                device="netconfd",
                platform="frr_linux",
                address=server.host,
                credential=device.Credential(server.user, server.password),
                host_keys=(server.host_key,),
                ports={"netconf": server.port},
            ),
            scope=SERVICES,
            samples=SAMPLES,
            refused=lab_services({"name": "acme-1", "vni": "16777216", "port": "eth3"}),
            patience=QUIET,
        )
