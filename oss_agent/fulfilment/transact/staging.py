"""Before the gate: lock a store, see that nobody changed our part, stage the change, have it judged.

Nothing goes live here. Whatever fails is written on the participant, and nothing stays staged.
"""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import order_rows
from oss_agent.fulfilment.record.states import State
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import doubt, standing, taking_in
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import carrying
from oss_agent.spi import catalogue
from oss_agent.spi.tree import EMPTY, Edit, Tree


async def stage(one: Progress) -> None:
    """To VALIDATED with the session and its lock kept, or to a cause on the participant.

    A participant that may have been sent a commit before (this is a second look, after a crash) is
    asked first what became of it, and is HELD again if it is.
    """
    try:
        if one.one.sent and await doubt.still_held(one):
            return
        await staged(one)
    except errors.Fenced:
        raise
    except (errors.DeviceError, errors.Conflict) as trouble:
        await one.blame(trouble)


async def staged(one: Progress) -> None:
    """Lock, compare, edit, validate. DeviceError or Conflict; then nothing is staged."""
    async with one.p.contact.writing(one.one) as talk:
        rung = talk.rung
        try:
            await talk.hold_lock()
            await one.move(State.LOCKED, rung=rung)
            current = await _unchanged(one, talk)
            edits = await _edits(one, current)
            await talk.call("edit", lambda session: session.edit(edits))
            _must_be_as_planned(talk, one.one.target, await talk.opinion(one.one.roots))
            await one.move(State.VALIDATED)
        except (errors.DeviceError, errors.Conflict):
            await talk.tidy()
            raise


async def _edits(one: Progress, current: Tree) -> tuple[Edit, ...]:
    """To the target. Where a service puts its own back, what replaced that is not spared."""
    edits = tree.diff(current, one.one.target)
    if one.policy is not catalogue.OutOfBand.REVERT:
        return edits
    return tree.regained(edits, await one.p.journal.read(lambda c: _had(c, one)))


def _had(connection: sa.Connection, one: Progress) -> list[Tree]:
    """What was read back there of the services that this commit changes."""
    every = (one.transaction, *carrying.members(connection, one.transaction))
    items = [order_rows.request_of(connection, each.order, each.position) for each in every]
    has = [one.p.ledger.configured(connection, item.service_id or "") for item in items]
    return [each.get((one.one.device, one.one.store), EMPTY) for each in has]


def _must_be_as_planned(talk: contact.Talk, target: Tree, told: Tree | None) -> None:
    """ChangeRejected when the device says that it would hold something else than the target.

    An ``<ok/>`` to an edit proves nothing: a device may leave out what it does not know, or write a
    value as it likes it. Where it cannot tell, the read-back behind the commit does.
    """
    if told is not None and not tree.same(told, target):
        reason = f"would change otherwise than planned: {standing.otherwise(target, told)}"
        raise errors.ChangeRejected(talk.device, reason, tag="operation-failed")


async def unstage(one: Progress) -> None:
    """Before the first commit of the transaction: drop what is staged, give the lock back."""
    if not one.one.sent and one.p.contact.holds(one.one):
        async with one.p.contact.writing(one.one) as talk:
            await talk.tidy()


async def _unchanged(one: Progress, talk: contact.Talk) -> Tree:
    """Under the lock: what we planned on must still be there, or somebody edited our part."""
    current = await talk.read(one.one.roots)
    if tree.same(current, one.one.before):
        return current
    if one.policy is catalogue.OutOfBand.REVERT:
        await one.say(f"{talk.device}: put back what somebody had changed in our part")
        return current
    if one.policy is not catalogue.OutOfBand.ABORT and await taking_in.before_commit(one, current):
        return current
    raise errors.Conflict(
        f"{talk.device}: our part changed since it was planned "
        f"({standing.edits(one.one.before, current)}); somebody else edits it",
        holder=talk.device,
    )
