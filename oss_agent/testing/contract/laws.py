"""Decides that the laws of trees hold through a driver and its device."""

from __future__ import annotations

from collections.abc import Sequence

from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi.tree import Tree
from oss_agent.testing.contract.peer import Peer, clean, expect_equal


async def follow(peer: Peer, targets: Sequence[Tree]) -> None:
    """Walk a device through ``targets``, then undo every step: each is read back exactly.

    apply(diff(a, b), a) = b; undo after apply is the identity; re-apply is silent.
    """
    await clean(peer)
    async with peer.session() as session:
        undo = []
        for target in targets:
            before = await session.snapshot()
            edits = trees.diff(await peer.content(session), target)
            await peer.put(session, target)
            found = await peer.content(session)
            expect_equal(found, trees.normal(target), "the device holds the target")
            expect_equal(trees.diff(found, target), (), "re-apply is silent")
            undo.append((trees.invert(edits), before))
        for edits, before in reversed(undo):
            await session.edit(edits)
            await session.commit()
            expect_equal(await session.snapshot(), before, "undo is byte for byte the identity")
