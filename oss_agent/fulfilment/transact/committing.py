"""Behind the gate: send one store its commit and bring it to HELD.

With a timer, HELD is changed but undoing itself; without one it is changed, and our journal has the
way back. That journal entry is on disk before the first byte.
"""

from __future__ import annotations

from oss_agent import errors
from oss_agent.fulfilment.record.states import State
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import doubt, planning, staging, standing
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree


async def hold(one: Progress) -> None:
    """To HELD, or to a cause on the participant."""
    try:
        try:
            await _send(one)
        except errors.CommitUnknown:
            # No answer is no news: the device is asked what became of it.
            if not await doubt.still_held(one):
                await staging.staged(one)
                await _send(one)
    except errors.Fenced:
        raise
    except (errors.DeviceError, errors.Conflict) as trouble:
        await one.blame(trouble)


async def _send(one: Progress) -> None:
    async with one.p.contact.writing(one.one) as talk:
        if talk.rung.timed:
            await _send_timed(one, talk)
        else:
            await _send_for_good(one, talk)


async def _send_timed(one: Progress, talk: contact.Writer) -> None:
    seconds, rung = one.p.limits.confirm_within, talk.rung
    persist = planning.persist_of(one.transaction)
    await one.will_send(rung=rung, persist=persist, deadline=one.deadline())
    await _call(talk, confirm_within=seconds, persist=doubt.token(one))
    await one.move(State.HELD, deadline=one.deadline())


async def _send_for_good(one: Progress, talk: contact.Writer) -> None:
    if tree.same(one.one.before, one.one.target):
        await one.move(State.HELD, rung=talk.rung)
        return
    await one.will_send(rung=talk.rung)
    # Once more after the sync: no timer would undo a commit that is sent after a take-over.
    await one.may_send()
    await _call(talk)
    current = await talk.read(one.one.roots)
    if not tree.same(current, one.one.target):
        raise errors.Conflict(
            f"{talk.device}: it said ok, but "
            + standing.difference("target", one.one.target, current)
        )
    await one.move(State.HELD)


async def _call(
    talk: contact.Writer, *, confirm_within: float | None = None, persist: str | None = None
) -> None:
    try:
        await talk.call(
            "commit",
            lambda session: session.commit(confirm_within=confirm_within, persist=persist),
            silence=errors.CommitUnknown,
        )
    except errors.ChangeRejected:
        await talk.tidy()
        raise
