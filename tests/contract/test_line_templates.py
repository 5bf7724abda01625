"""Every template's command lines, on the device that they are for: accepted, and shown as written.

A line that a router shows otherwise than it was sent would never be recognised as ours again.
"""

from __future__ import annotations

import asyncio

import pytest

from device_models import loader
from drivers import steps
from drivers.cli import running
from drivers.cli.configuring import store_of
from drivers.cli.grammar import Grammar
from oss_agent import registry
from oss_agent.errors import ChangeRejected
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi.tree import EMPTY, ROOT, Path, Step, Tree
from tests.contract import line_peers

VALUES = {
    "name": "acme-1",
    "vrf": "acme",
    "vni": "10010",
    "port": "eth3",
    "rate": "2000",
    "description": "to the customer #1",
    "transit": "10.255.1.1/24",
    "gateway": "192.0.2.1/29",
    "as_number": "65000",
    "neighbor": "10.255.1.2",
    "profile": "rate-2000",
    "prefix": "203.0.113.0/24",
    "community": "65000:100",
    "rd": "65000:7",
    "rt": "65000:20000007",
}
EVPN = Tree(
    ROOT,
    children=(
        Tree(
            Step("router bgp 65000"),
            children=(
                Tree(
                    Step("address-family l2vpn evpn"),
                    children=(Tree(steps.owned("advertise-all-vni")),),
                ),
            ),
        ),
    ),
)
THERE = {"evpn-segment": EVPN}
"""What a router of such a network has beforehand, and its template's lines stand on."""
PLATFORMS = {"sim_cli": line_peers.simulated, "frr_linux": line_peers.real}
CASES = [
    pytest.param(
        platform,
        name,
        id=f"{platform}-{name}",
        marks=[pytest.mark.peer] if platform == "frr_linux" else [],
    )
    for platform in PLATFORMS
    for name, template in sorted(loader.load(platform).templates.items())
    if template.stores
]


def slots(platform: str, template: str) -> dict[str, str]:
    wanted = loader.load(platform).templates[template].slots
    return {name: VALUES[name] for name in wanted}


@pytest.mark.anyio
@pytest.mark.parametrize(("platform", "template"), CASES)
async def test_a_template_is_shown_as_it_is_written_and_leaves_nothing(
    platform: str, template: str
) -> None:
    async with PLATFORMS[platform]() as peer, peer.session() as session, asyncio.timeout(300):
        store = peer.store or peer.driver.stores[0]
        target = peer.driver.instantiate(template, slots(platform, template))[store]
        there = trees.diff(EMPTY, THERE.get(template, EMPTY))
        await session.edit(there)
        await session.commit()
        edits = trees.diff(EMPTY, target)
        before = await session.snapshot()
        await session.edit(edits)
        await session.commit()
        found = await session.read(())
        await session.edit(trees.invert(edits))
        await session.commit()

        assert not set(trees.nodes(target)) - set(trees.nodes(found))
        assert await session.snapshot() == before
        await session.edit(trees.invert(there))
        await session.commit()


@pytest.mark.parametrize(("platform", "template"), CASES)
def test_a_section_of_a_template_is_a_container_and_its_lines_are_not(
    platform: str, template: str
) -> None:
    store = store_of(loader.load(platform))
    grammar = Grammar(store.grammar)
    target = (
        registry.installed()
        .driver(platform)
        .instantiate(template, slots(platform, template))[store.store]
    )

    assert running.read(_text(target), grammar) == target
    for path in _paths(target):
        assert grammar.step(steps.text(path[-1])) == path[-1]


def _paths(node: Tree, above: Path = ()) -> list[Path]:
    here = [(*above, child.step) for child in node.children]
    return here + [p for child in node.children for p in _paths(child, (*above, child.step))]


def _text(node: Tree, depth: int = 0) -> str:
    return "".join(
        f"{' ' * depth}{steps.text(child.step)}\n{_text(child, depth + 1)}"
        for child in node.children
    )


@pytest.mark.anyio
@pytest.mark.peer
async def test_a_router_whose_bgp_runs_as_another_number_refuses_before_anything_is_live() -> None:
    """FRR would make a VRF of that number beside it, or the process where none is."""
    foreign = {"vrf": "acme", "as_number": "65001", "neighbor": "10.255.1.2"}
    async with line_peers.real() as peer, peer.session() as session:
        before = await session.snapshot()
        await session.lock()
        await session.edit(
            trees.diff(EMPTY, peer.driver.instantiate("l3vpn-peer", foreign)["vtysh"])
        )
        with pytest.raises(ChangeRejected, match="'router bgp 65001' is not there") as no:
            await session.validate()
        await session.discard()

        assert "'router bgp 65000' is" in no.value.reason
        assert "catalogue.as_number" in no.value.reason
        assert await session.snapshot() == before
