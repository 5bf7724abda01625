"""A plain change after the decision: no timer shall undo it, and only what is ours is in it."""

from __future__ import annotations

from oss_agent import errors
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import standing
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.transact.standing import Standing
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import catalogue
from oss_agent.spi.tree import Tree


async def push(one: Progress, talk: contact.Writer, current: Tree, wanted: Tree) -> Tree:
    """Lock, edit, commit; what it reads afterwards. DeviceError, CommitUnknown included.

    Only before, target, and mixtures of the two are driven; for anything else ``allowed`` decides.
    """
    edits = tree.regained(tree.diff(current, wanted))
    try:
        await talk.hold_lock()
        await talk.call("edit", lambda session: session.edit(edits))
        await one.may_send()
        await talk.call("push", lambda session: session.commit(), silence=errors.CommitUnknown)
    except errors.DeviceError:
        await talk.tidy()
        raise
    await one.say(f"{talk.device}: pushed again, because it had not kept the decision")
    return await talk.read(one.one.roots)


def allowed(one: Progress, current: Tree) -> bool:
    """May we drive it from here? Something third only where the service says to put ours back."""
    stands = standing.of(current, one.one.before, one.one.target)
    return stands is not Standing.THIRD or one.policy is catalogue.OutOfBand.REVERT


def tolerated(one: Progress, current: Tree) -> bool:
    """Is it something third that the service lives with?"""
    third = standing.of(current, one.one.before, one.one.target) is Standing.THIRD
    lives_with = {catalogue.OutOfBand.ACCEPT, catalogue.OutOfBand.ADOPT}
    return third and one.policy in lives_with
