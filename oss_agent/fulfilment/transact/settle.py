"""The one function that ends what was begun: every store is driven to the decision.

Start-up and the workflow both call ``settle``. It reads the decision row; where there
is none it first writes an abort, so that nobody can decide otherwise meanwhile. Then per store:

=========  ======================================  ================================================
decision   what the device shows                   what is done
=========  ======================================  ================================================
commit     our commit is pending                   confirm, read back, save
commit     target there, our confirm was answered  save
commit     target there, nothing pending           save
commit     target there, who knows what is pending wait in silence until its timer must have rung
commit     as before, or half of ours              push, read back, prove again, save
abort      our commit is pending                   cancel, read back
abort      target there, or half of ours           push back, read back
either     something third                         by the service's policy, else UNKNOWN: a person
=========  ======================================  ================================================

A device that cannot be reached is UNKNOWN too, loudly, and is tried again until it is settled;
but one that was never sent a commit is as before, reachable or not, and holds nobody up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import journal, participant_rows, states
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import finishing, undoing
from oss_agent.fulfilment.transact.progress import Progress

Act: TypeAlias = Callable[[Progress, contact.Writer], Awaitable[None]]


async def settle(p: parts.Parts, transaction: states.Transaction) -> states.Decision:
    """Drive every participant to the decision. Returns it; ``unsettled`` tells what is left.

    Safe at any time and any number of times. Fenced when another run took the transaction over.
    """
    stopped = interrupted(p.clock.now(), "the work was interrupted before a decision")

    def unit(
        connection: sa.Connection,
    ) -> tuple[states.Decision, tuple[states.Participant, ...]]:
        decided = journal.decide(connection, transaction, stopped)
        return decided, participant_rows.of(connection, transaction)

    decision, rows = await p.journal.write("settle", unit)
    every = [Progress(p, transaction, one) for one in rows if not one.state.final]
    if decision.verdict is states.Verdict.COMMIT:
        await _finish(every)
    else:
        await _undo(every)
    return decision


async def _finish(every: Sequence[Progress]) -> None:
    """What had to be pushed again is done only when all are as decided and it is proven again."""
    await contact.together([_carry_out(one, finishing.finish) for one in every])
    proven = await finishing.prove_again(every)
    await contact.together([_carry_out(one, finishing.save) for one in proven])


async def _undo(every: Sequence[Progress]) -> None:
    """All at once: a timer is cancelled and a store without one is put back at the same moment."""
    for one in every:
        if one.one.state is states.State.PLANNED:
            await one.end(states.State.REVERTED, "nothing was sent")
    rest = [one for one in every if not one.one.state.final]
    await contact.together([_carry_out(one, undoing.undo) for one in rest])


def unsettled(
    connection: sa.Connection, transaction: states.Transaction
) -> tuple[states.Participant, ...]:
    """The participants that are neither done nor reverted."""
    every = participant_rows.of(connection, transaction)
    return tuple(one for one in every if not one.state.final)


def interrupted(at: datetime, reason: str) -> states.Decision:
    """The abort of work that nobody brought to a decision."""
    return states.Decision(
        states.Verdict.ABORT,
        states.Cause.INTERRUPTED,
        reason,
        None,
        "nobody: it is done again",
        at,
    )


async def _carry_out(one: Progress, act: Act) -> None:
    """Do it over the transaction's own session; one that had died since is replaced, once."""
    kept = one.p.contact.holds(one.one)
    try:
        try:
            await _over_its_session(one, act)
        except errors.DeviceUnreachable:
            if not kept:
                raise
            await _over_its_session(one, act)
    except errors.DeviceError as trouble:
        await _undecided(one, trouble)
    except (errors.Fenced, errors.StoreUnavailable):
        raise
    except Exception as fault:  # noqa: BLE001  one device must not keep the others, or the start
        structlog.get_logger().exception("settling failed", device=one.one.device)
        await one.lose(f"a fault of the agent itself: {type(fault).__name__}: {fault}")


async def _over_its_session(one: Progress, act: Act) -> None:
    async with one.p.contact.writing(one.one) as talk:
        await act(one, talk)


async def _undecided(one: Progress, trouble: errors.DeviceError) -> None:
    decision = await one.p.journal.read(lambda c: journal.decision(c, one.transaction))
    committed = decision is not None and decision.verdict is states.Verdict.COMMIT
    if committed or one.one.sent:
        await one.lose(trouble.reason)
        return
    # What was staged went with our session; waiting for the device would tell us nothing.
    await one.end(states.State.REVERTED, f"nothing was committed; not read back: {trouble.reason}")
