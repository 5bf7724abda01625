"""Phase 2: bring every store to HELD, behind one gate.

All are locked, compared and staged first; only when ALL are does the first commit go out, so that a
locked or refusing router costs the others nothing. Then those that undo themselves are committed
together, and the rest one by one, the weakest last. The phase can be run again at any state: what
the journal says is checked against the device, never assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import journal, participant_rows, states
from oss_agent.fulfilment.talk import contact, ladder
from oss_agent.fulfilment.transact import committing, doubt, neighbours, staging
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.turn import stop_rows, wishes
from oss_agent.spi import device, flow


async def hold(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Drive all participants towards HELD; a decision that stands is left alone."""
    rows = await p.journal.read(lambda c: _undecided(c, transaction))
    if rows is None:
        return flow.Next.CONTINUE
    every = [Progress(p, transaction, one) for one in rows]
    if not _any_failed(every) and await _pass_the_gate(p, transaction, every):
        await _commit(every)
    return flow.Next.CONTINUE


def _undecided(
    connection: sa.Connection, transaction: states.Transaction
) -> tuple[states.Participant, ...] | None:
    """Its participants, or None when there is a decision."""
    if journal.decision(connection, transaction) is not None:
        return None
    return participant_rows.of(connection, transaction)


async def _pass_the_gate(
    p: parts.Parts, transaction: states.Transaction, every: Sequence[Progress]
) -> bool:
    """All staged, none stopped, and what is around them looked at; else nothing is left staged."""
    await contact.together([staging.stage(one) for one in every])
    await _heed_stops(p, transaction, every)
    if _any_failed(every):
        await contact.together([_unstage(one) for one in every])
        return False
    await neighbours.baseline(p, transaction, [one.one for one in every])
    return True


async def _heed_stops(
    p: parts.Parts, transaction: states.Transaction, every: Sequence[Progress]
) -> None:
    """A pause or a wish since it was planned; where a commit may be out already it settles."""
    if any(one.one.sent for one in every):
        return
    devices = [one.one.device for one in every]
    at = p.clock.now()
    why = await p.journal.read(lambda c: _stop(c, p, transaction, devices, at))
    if why is None:
        return
    for one in every:
        if not one.failed:
            cause = states.Cause.STOPPED
            await one.mark("stop", cause=cause, reason=why.reason, who=why.who)


def _stop(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> states.Wait | None:
    wished = wishes.obstacle(connection, transaction, at)
    return wished or stop_rows.keeps(connection, p, transaction, devices, at)


async def _unstage(one: Progress) -> None:
    try:
        await staging.unstage(one)
    except errors.DeviceError as trouble:
        # Its session is gone and the lock with it; settling looks at the device anyway.
        await one.say(f"{one.one.device}: could not be tidied up: {trouble.reason}")


async def _commit(every: Sequence[Progress]) -> None:
    by_row = {one.one.key: one for one in every}
    timed = [by_row[row.key] for row in ladder.timed([one.one for one in every])]
    await contact.together([committing.hold(one) for one in timed if not _held(one)])
    for row in ladder.timerless([one.one for one in every]):
        if _any_failed(every):
            return
        await contact.together([_rearm(one) for one in timed])
        if not _held(by_row[row.key]):
            await committing.hold(by_row[row.key])


async def _rearm(one: Progress) -> None:
    """Keep a timer far away while others are changed one by one."""
    deadline, bounds = one.one.deadline, one.p.limits
    if deadline is not None and deadline.left(one.p.clock.boot()) > bounds.confirm_within / 2:
        return
    try:
        async with one.p.contact.writing(one.one) as talk:
            if await doubt.pending(one, talk) is not device.Pending.HELD:
                raise errors.DeviceUnreachable(talk.device, "its unconfirmed commit is gone")
        await one.mark("rearmed", deadline=one.deadline())
    except errors.DeviceError as trouble:
        await one.blame(trouble)


def _held(one: Progress) -> bool:
    return one.one.state is states.State.HELD


def _any_failed(every: Sequence[Progress]) -> bool:
    return any(one.failed for one in every)
