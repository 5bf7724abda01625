"""The peers on which every configuring driver of ours is judged."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import pytest
import yaml

import device_models
from drivers.frr_linux import driver as frr_linux
from drivers.netconf.driver import NetconfDriver
from drivers.sim_netconf import driver as sim_netconf
from lab import peers
from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import ROOT, Path, Step, Tree
from oss_agent.testing.contract import Peer
from oss_agent.testing.simulated import OFFERS, SimulatedDevice, vni_ceiling
from tests import lab_or_skip
from tests.contract import adapter_peers, line_peers

SERVICES: Path = (Step("services"),)
# Of a sleeping device: netconfd serves its timer only while nobody asks.
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


_REFUSED = lab_services({"name": "acme-1", "vni": "16777216", "port": "eth3"})
_LOOKS = {Rung.CANDIDATE: 1, Rung.RUNNING: 1}
"""Without a timer what a commit touches is read before it."""


@asynccontextmanager
async def simulated(rung: Rung = Rung.PERSIST) -> AsyncIterator[Peer]:
    """sim_netconf on a simulated device that offers this rung, whatever the platform declares."""
    ceilings = [vni_ceiling(16777215)]
    async with SimulatedDevice("sim1", ceilings=ceilings, offer=OFFERS[rung]) as box:
        yield Peer(
            driver=sim_netconf.DRIVER,
            endpoint=box.endpoint(),
            scope=SERVICES,
            samples=SAMPLES,
            refused=_REFUSED,
            stands_on=rung,
            patience=0.5,
            logins=lambda: len(box.login_attempts),
            predicts=rung is not Rung.RUNNING,
            answers_before_commit=_LOOKS.get(rung, 0),
        )


@contextmanager
def netconfd(target: str = "candidate") -> Iterator[peers.NetconfPeer]:
    """Debian's netconfd, or a skip with the reason (a failure where the lab is required)."""
    with lab_or_skip.needed(), peers.netconfd(target=target) as server:
        yield server


@asynccontextmanager
async def real(rung: Rung = Rung.PERSIST) -> AsyncIterator[Peer]:
    """frr_linux on netconfd, also where it edits running directly."""
    with netconfd("running" if rung is Rung.RUNNING else "candidate") as server:
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
            refused=_REFUSED,
            stands_on=rung,
            patience=QUIET,
            predicts=rung is not Rung.RUNNING,
            answers_before_commit=_LOOKS.get(rung, 0),
        )


@contextmanager
def by_ncclient(platform: str, times: Mapping[str, float] | None = None) -> Iterator[NetconfDriver]:
    """The platform with the compatibility transport, and perhaps other deadlines, in its data."""
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / platform
        shutil.copytree(pathlib.Path(device_models.__file__).parent / platform, folder)
        file = folder / "platform.yaml"
        data = yaml.safe_load(file.read_text())
        data["netconf"] |= {"transport": "ncclient", **(times or {})}
        file.write_text(yaml.safe_dump(data))
        yield NetconfDriver(platform, pathlib.Path(top))


@asynccontextmanager
async def compatible(make: Make, platform: str, tick: float | None = None) -> AsyncIterator[Peer]:
    """The same peer, reached over ncclient.

    ``tick`` shortens its pause before each request (0.1 s): what is judged is the same, sooner. Not
    with netconfd, which lets an RPC wait that comes in one read with the client's hello.
    """
    with by_ncclient(platform) as driver, pytest.MonkeyPatch.context() as patch:
        if tick is not None:
            patch.setattr("ncclient.transport.session.TICK", tick)
        async with make() as peer:
            yield dataclasses.replace(peer, driver=driver)


Make: TypeAlias = Callable[[], AbstractAsyncContextManager[Peer]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One peer of one configuration store, and the rung on which the suite judges it there.

    ``excludes`` as in ``contract.Peer``; a real peer has the mark.
    """

    platform: str
    peer: str
    rung: Rung
    make: Make
    store: str = "netconf"
    excludes: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()

    def __str__(self) -> str:
        """As a test's id tells it."""
        return f"{self.platform}-{self.peer}-{self.rung.name.lower()}"


_LAB = (pytest.mark.peer,)
SHARES: Mapping[str, tuple[Entry, ...]] = {
    "simulated": (
        *(
            Entry("sim_netconf", "simulated", rung, partial(simulated, rung))
            for rung in (Rung.PERSIST, Rung.CONFIRMED, Rung.CANDIDATE, Rung.RUNNING)
        ),
        Entry(
            "sim_cli", "simulated", Rung.LINES, line_peers.simulated, store="cli", excludes=False
        ),
        *(
            Entry("arista_eos", "eapi", rung, partial(adapter_peers.eapi, rung), "running-config")
            for rung in (Rung.TIMED, Rung.REPLACE)
        ),
    ),
    "netconfd": tuple(
        Entry("frr_linux", "netconfd", rung, partial(real, rung), marks=_LAB)
        for rung in (Rung.PERSIST, Rung.RUNNING)
    ),
    "ncclient": (
        Entry(
            "frr_linux",
            "netconfd-ncclient",
            Rung.PERSIST,
            partial(compatible, real, "frr_linux"),
            marks=_LAB,
        ),
        Entry(
            "sim_netconf",
            "simulated-ncclient",
            Rung.PERSIST,
            partial(compatible, simulated, "sim_netconf", tick=0.005),
        ),
    ),
    "vtysh": (
        Entry(
            "frr_linux",
            "vtysh",
            Rung.LINES,
            line_peers.real,
            store="vtysh",
            excludes=False,
            marks=_LAB,
        ),
    ),
    "netmiko": (
        Entry("sim_cli", "netmiko", Rung.LINES, adapter_peers.netmiko, store="cli", excludes=False),
    ),
}
"""The peers by the file that judges on them, ``test_drivers_<name>``: files share the time by workers."""
PEERS = tuple(itertools.chain.from_iterable(SHARES.values()))
