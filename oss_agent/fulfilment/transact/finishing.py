"""The decision is commit: a store is confirmed, or pushed again where it had undone itself; then saved.

An answer that never came proves nothing: a store whose confirmation nobody acknowledged is asked
whether anything of ours is pending. Where it can say for certain that nothing is, and the change is
there, it was confirmed. Else it is believed only when its own timer must have run out and the change
is still there; asking it meanwhile would keep some servers from serving that timer, so it is left in
peace until then.
"""

from __future__ import annotations

from collections.abc import Sequence

from oss_agent import errors
from oss_agent.fulfilment.record import participant_rows
from oss_agent.fulfilment.record.states import State
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import doubt, observer, pushing, standing, taking_in
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import device
from oss_agent.spi.tree import Tree

WAITS = "waits in silence until its timer must have run out: nobody knows whether it was confirmed"


async def finish(one: Progress, talk: contact.Writer) -> None:
    """To DONE; to CONFIRMING where it must be proven again or waited for; or to UNKNOWN.

    What was proven over an earlier session is looked at anew: a reboot before the save took it back.
    """
    await _drive(one, talk)
    if one.one.state is State.PROVEN:
        await save(one, talk)


async def _drive(one: Progress, talk: contact.Writer) -> None:
    await one.move(State.CONFIRMING)
    over = one.one.confirmed or one.one.pushed or await _confirm(one, talk)
    current = await talk.read(one.one.roots)
    if not tree.same(current, one.one.target):
        current = await _push(one, talk, current)
    tolerated = pushing.tolerated(one, current)
    if not (tree.same(current, one.one.target) or tolerated):
        await one.lose(standing.difference("target", one.one.target, current))
        return
    if tolerated:
        await taking_in.after_decision(one, current)
    if not over and _in_doubt(one):
        await one.mark("quiet", outcome=WAITS)
    elif not one.one.pushed:
        await one.move(State.PROVEN)


async def prove_again(every: Sequence[Progress]) -> Sequence[Progress]:
    """What was pushed after the decision was never proven: it is now, or a person must look.

    Returns those that are PROVEN by it. While another is UNKNOWN nothing can be proven.
    """
    pushed = [one for one in every if one.one.pushed and one.one.state is State.CONFIRMING]
    if not pushed or any(one.one.state is State.UNKNOWN for one in every):
        return ()
    first = pushed[0]
    rows = await first.p.journal.read(lambda c: participant_rows.of(c, first.transaction))
    failed = [
        f"{verdict.predicate.kind} on {verdict.predicate.device}: {verdict.reason}"
        for looked in await observer.look_at_all(first.p, first.transaction, rows)
        for verdict in looked.verdicts
        if not verdict.passes
    ]
    for one in pushed:
        if failed:
            await one.lose(f"it was pushed again after the decision, but {failed[0]}")
        else:
            await one.move(State.PROVEN)
    return () if failed else pushed


async def save(one: Progress, talk: contact.Writer) -> None:
    """From PROVEN to DONE. After a crash between the two it is saved once more, which does nothing."""
    await talk.call("save", lambda session: session.save())
    await one.end(State.DONE, "confirmed, read back and saved")


async def _push(one: Progress, talk: contact.Writer, current: Tree) -> Tree:
    if not pushing.allowed(one, current):
        return current
    await one.mark("pushing", pushed=True)
    return await pushing.push(one, talk, current, one.one.target)


def _in_doubt(one: Progress) -> bool:
    """May it still undo itself?"""
    deadline, timed = one.one.deadline, one.one.rung is not None and one.one.rung.timed
    if not timed or one.one.confirmed or one.one.pushed or deadline is None:
        return False
    return not deadline.expired(one.p.clock.boot())


async def _confirm(one: Progress, talk: contact.Writer) -> bool:
    """Confirm if it is still ours to confirm; what others staged is dropped, not committed.

    True when nothing of ours is pending any more, for certain: it cannot undo itself.
    """
    if one.one.rung is None or not one.one.rung.timed or not one.one.sent:
        return False
    if talk.locked:
        # Ours since before the commit: nobody else staged or committed anything meanwhile.
        return await _confirm_pending(one, talk)
    if one.one.rung is device.Rung.CONFIRMED:
        return False  # the session that could confirm it is gone; the commit may go with it yet
    staged = await talk.call("diff", lambda session: session.diff())
    if staged:
        await one.say(f"{talk.device}: dropped what another session had staged")
    found = await doubt.pending(one, talk)
    if found is not device.Pending.HELD:
        return found is device.Pending.GONE
    await one.mark("rearmed", deadline=one.deadline())
    return await _confirm_pending(one, talk)


async def _confirm_pending(one: Progress, talk: contact.Writer) -> bool:
    persist = doubt.token(one)
    try:
        await talk.call(
            "confirm",
            lambda session: session.confirm(persist=persist),
            silence=errors.CommitUnknown,
        )
        await one.mark("confirmed", confirmed=True)
    except errors.ChangeRejected:
        # Gone between probe and confirm is no error: the read-back tells. Refused while it is
        # still pending is one: what is read back would be undone by the device's own timer.
        found = await doubt.pending(one, talk)
        if found is device.Pending.HELD:
            raise
        return found is device.Pending.GONE
    return True
