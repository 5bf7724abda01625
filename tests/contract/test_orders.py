"""Lists that users order keep their order through driver and device: moves, inserts, undo.

On the simulator only: netconfd 2.13 refuses every ``yang:key`` whose prefix is declared (error 266,
unknown namespace) and misreads one that is not, so no entry can be placed beside another there.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from oss_agent.spi.device import Rung
from oss_agent.spi.tree import ROOT, Step, Tree
from oss_agent.testing import contract
from tests.contract import driver_peers

_SCOPE = (Step("policy"),)


def policy(*rules: tuple[str, str]) -> Tree:
    """Rules by (name, action), in this order."""
    steps = tuple(Step("rule", (("name", name),)) for name, _ in rules)
    entries = tuple(
        Tree(step, children=(Tree(Step("action"), action),))
        for step, (_, action) in zip(steps, rules, strict=True)
    )
    return Tree(ROOT, children=(Tree(Step("policy"), children=entries, order=steps),))


@st.composite
def policies(draw: st.DrawFn) -> Tree:
    names = draw(st.lists(st.sampled_from(["a", "b", "c.1", "d", "e"]), unique=True))
    return policy(*((name, draw(st.sampled_from(["permit", "deny"]))) for name in names))


async def _follow(make: driver_peers.Make, targets: Sequence[Tree]) -> None:
    async with make() as peer, asyncio.timeout(300):
        await contract.follow(dataclasses.replace(peer, scope=_SCOPE), targets)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([Rung.PERSIST, Rung.RUNNING]), st.lists(policies(), min_size=2, max_size=4))
def test_order_laws_hold_through_the_simulator(rung: Rung, targets: list[Tree]) -> None:
    asyncio.run(_follow(partial(driver_peers.simulated, rung), targets))
