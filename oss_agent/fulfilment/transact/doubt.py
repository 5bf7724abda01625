"""A commit of ours may have reached this store: find out what became of it, before anything else.

Asked after a crash and after an answer that never came. Nothing is guessed and nothing is sent again
unread: the pending commit is asked for by its token where there is one, then our part is read.
"""

from __future__ import annotations

from oss_agent import errors
from oss_agent.fulfilment.record.states import State
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import standing
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.transact.standing import Standing
from oss_agent.spi import device


async def still_held(one: Progress) -> bool:
    """True when our commit is there and HELD again, False when it never came and may be redone.

    DeviceUnreachable when it was there and is gone or only half of it arrived, Conflict when somebody
    else is in the way: both are the end of this attempt.
    """
    had_session = one.p.contact.holds(one.one)
    async with one.p.contact.writing(one.one) as talk:
        asked = _has_pending(one, had_session=had_session)
        if asked and await pending(one, talk) is device.Pending.HELD:
            await one.move(State.HELD, deadline=one.deadline())
            return True
        return await _by_its_configuration(one, talk)


def _has_pending(one: Progress, *, had_session: bool) -> bool:
    """Can there be an unconfirmed commit of ours? One without a token went with its session."""
    rung = one.one.rung
    return rung is not None and rung.timed and (had_session or rung is not device.Rung.CONFIRMED)


async def pending(one: Progress, talk: contact.Talk) -> device.Pending:
    """Is our unconfirmed commit there? Re-arms its timer if so.

    DeviceBusy when it is another's, or when the answer says nothing: later it may.
    """
    persist, seconds = token(one), one.p.limits.confirm_within
    try:
        found = await talk.call(
            "probe", lambda s: s.probe_pending(persist=persist, confirm_within=seconds)
        )
    except errors.ChangeRejected as refused:
        reason = f"what is pending there is not known: {refused.reason}"
        raise errors.DeviceBusy(talk.device, reason) from refused
    if found is device.Pending.OTHERS:
        raise errors.DeviceBusy(talk.device, "another system's commit is pending there")
    return found


def token(one: Progress) -> str | None:
    """What the device knows our commit by, where its rung has tokens."""
    return one.one.persist if one.one.rung is device.Rung.PERSIST else None


async def _by_its_configuration(one: Progress, talk: contact.Talk) -> bool:
    current, rung = await talk.read(one.one.roots), one.one.rung
    stands = standing.of(current, one.one.before, one.one.target)
    if stands is Standing.BEFORE and one.one.state is not State.HELD:
        return False
    if rung is not None and rung.timed:
        raise errors.DeviceUnreachable(talk.device, "its unconfirmed commit is gone")
    if stands is Standing.TARGET:
        await one.move(State.HELD)
        return True
    if stands is Standing.MIXED:
        # The link died in the middle of a block of lines: that is put back and done again.
        raise errors.DeviceUnreachable(talk.device, f"it is {stands}: the link went meanwhile")
    raise errors.Conflict(
        f"{talk.device}: our change is {stands} there; "
        + standing.difference("target", one.one.target, current)
    )
