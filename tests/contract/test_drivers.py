"""Every driver that configures is judged by the contract, and the laws of trees hold through it.

The checks themselves are in ``test_drivers_<share>``, one file for each share of the peers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.spi.proof import Question
from oss_agent.spi.tree import Tree
from oss_agent.testing import contract
from tests.contract import driver_peers

Factory = Callable[[], AbstractAsyncContextManager[contract.Peer]]


def test_no_store_of_any_driver_is_left_out() -> None:
    installed = metadata.entry_points(group="oss_agent.drivers")
    loaded: list[device.Driver] = [entry.load() for entry in installed]
    declared = {
        (driver.platform, store, device.rung(driver.declared(store)))
        for driver in loaded
        for store in driver.stores
    }
    judged = {(entry.platform, entry.store, entry.rung) for entry in driver_peers.PEERS}

    assert declared <= judged, "a declared rung that no peer of the contract suite stands on"


def test_every_share_of_the_peers_has_its_file() -> None:
    files = Path(__file__).parent.glob("test_drivers_*.py")
    assert {file.stem.removeprefix("test_drivers_") for file in files} == set(driver_peers.SHARES)
    for share in driver_peers.SHARES:
        text = Path(__file__).with_name(f"test_drivers_{share}.py").read_text(encoding="utf-8")
        assert f'@judging.each(driver_peers.SHARES["{share}"])' in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    "question",
    [
        Question("ping", {"target": "192.0.2.1", "count": "3"}),
        Question("interface-up", {"port": "eth1"}),
        Question("evpn-remote-vtep", {"vni": "10010", "remote": "10.255.0.12"}),
    ],
    ids=lambda question: question.kind,
)
async def test_no_packet_moves_on_a_simulated_device_and_it_says_so(question: Question) -> None:
    async with driver_peers.simulated() as made, made.session() as session:
        observation = await session.observe(question)

    assert observation.simulated
    assert observation.unobservable is None
    assert device.Capability.SIMULATED in made.driver.capabilities


_PORTS = [f"eth{n}" for n in range(1, 6)]
_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=40)


@st.composite
def configurations(draw: st.DrawFn) -> Tree:
    """Valid contents of services: names and ports unique, everything else as it comes."""
    ports = draw(st.lists(st.sampled_from(_PORTS), unique=True, max_size=4))
    names = draw(
        st.lists(
            st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,9}", fullmatch=True),
            unique=True,
            min_size=len(ports),
            max_size=len(ports),
        )
    )
    elines = []
    for name, port in zip(names, ports, strict=True):
        eline = {"name": name, "port": port, "vni": str(draw(st.integers(1, 16777215)))}
        if draw(st.booleans()):
            eline["rate"] = str(draw(st.integers(0, 2**32 - 1)))
        if draw(st.booleans()):
            eline["description"] = draw(_TEXT)
        elines.append(eline)
    return driver_peers.lab_services(*elines)


async def _follow(factory: Factory, targets: list[Tree]) -> None:
    async with factory() as made, asyncio.timeout(300):
        await contract.follow(made, targets)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([Rung.PERSIST, Rung.CANDIDATE, Rung.RUNNING]),
    st.lists(configurations(), min_size=2, max_size=5),
)
def test_tree_laws_hold_through_the_simulator(rung: Rung, targets: list[Tree]) -> None:
    asyncio.run(_follow(partial(driver_peers.simulated, rung), targets))


@pytest.mark.peer
@settings(max_examples=10, deadline=None)
@given(st.lists(configurations(), min_size=2, max_size=4))
def test_tree_laws_hold_through_netconfd(targets: list[Tree]) -> None:
    asyncio.run(_follow(driver_peers.real, targets))
