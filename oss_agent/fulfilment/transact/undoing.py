"""The decision is abort: a store is brought back to what it held, and that is read back and said."""

from __future__ import annotations

from oss_agent import errors
from oss_agent.fulfilment.record.states import State
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import doubt, pushing, standing
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import device

AS_BEFORE = "byte for byte as before"


async def undo(one: Progress, talk: contact.Writer) -> None:
    """To REVERTED, or to UNKNOWN."""
    if not one.one.sent:
        await _nothing_committed(one, talk)
        return
    await _cancel(one, talk)
    await _let_it_end(one, talk)
    current = await talk.read(one.one.roots)
    if not tree.same(current, one.one.before) and pushing.allowed(one, current):
        current = await pushing.push(one, talk, current, one.one.before)
    if not tree.same(current, one.one.before):
        await talk.tidy()
        await one.lose(standing.difference("state before", one.one.before, current))
        return
    await _as_before(one, talk)


async def _let_it_end(one: Progress, talk: contact.Writer) -> None:
    """A commit that nobody answered may be at work still: its session has the lock until it is done.

    Where a timer undoes it the cancel has asked already. DeviceBusy while somebody has the lock.
    """
    if one.one.rung is None or not one.one.rung.timed:
        await talk.hold_lock()


async def _nothing_committed(one: Progress, talk: contact.Writer) -> None:
    if talk.locked:
        await talk.tidy()
    if tree.same(await talk.read(one.one.roots), one.one.before):
        await _as_before(one, talk)
        return
    # We committed nothing there: whatever our part is now, somebody else made it so.
    await one.end(State.REVERTED, "nothing was committed; somebody else changed our part")


async def _as_before(one: Progress, talk: contact.Writer) -> None:
    same = await talk.snapshot() == one.one.snapshot
    await one.end(
        State.REVERTED,
        AS_BEFORE if same else "our part is as before; a difference elsewhere is not ours",
    )


async def _cancel(one: Progress, talk: contact.Writer) -> None:
    """Undo a pending commit now; without token or session there is none that we could cancel."""
    rung = one.one.rung
    if rung is None or not rung.timed:
        return
    if rung is device.Rung.CONFIRMED and not talk.locked:
        return
    persist = doubt.token(one)
    try:
        await talk.call("cancel", lambda session: session.cancel(persist=persist))
    except errors.ChangeRejected as refused:
        if rung is not device.Rung.CONFIRMED:
            raise
        # The end of its session undoes it too; the next look is by another one.
        one.p.contact.release(one.one)
        raise errors.DeviceUnreachable(talk.device, refused.reason) from refused
