"""The line of phases, and what surrounds each: the token on entry, the retry of the store, the fence.

A phase begins by reading its row. A closed transaction, or one that belongs to another run, ends
the run at once; otherwise the token is raised, so that whoever worked on it before cannot any
more. What the motor recorded is never read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import journal, participant_rows, states
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import faults, hold, prepare, report, settle, vote
from oss_agent.fulfilment.turn import clock_jumps, trial_leases
from oss_agent.spi import flow

Work: TypeAlias = Callable[[parts.Parts, states.Transaction], Awaitable[flow.Next]]

_STORE_PAUSE = 1.0
"""Seconds between tries while the database takes no writes: it is retried here, never raised."""


def phases(p: parts.Parts) -> tuple[flow.Phase, ...]:
    """What ``spi.flow.Flow.register`` takes."""
    line: tuple[tuple[str, Work], ...] = (
        ("prepare", prepare.prepare),
        ("hold", hold.hold),
        ("vote", vote.vote),
        ("settle", settling),
        ("report", report.report),
    )
    return tuple(flow.Phase(name, _act(p, name, work)) for name, work in line)


async def settling(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Phase 4: settle; when a device cannot be settled now, sleep with its name as the reason."""
    await settle.settle(p, transaction)
    left = await p.journal.read(lambda c: settle.unsettled(c, transaction))
    if not left:
        return flow.Next.CONTINUE
    why = report.settle_wait(p, transaction, left)
    await p.journal.write("settle_wait", lambda c: journal.wait(c, transaction, why))
    return flow.Next.END


def _act(p: parts.Parts, name: str, work: Work) -> flow.Act:
    async def act(transaction: str, run: int) -> flow.Next:
        log = structlog.get_logger().bind(transaction=transaction, run=run, phase=name)
        while True:
            try:
                return await _guarded(p, work, transaction, run, log)
            except errors.Fenced:
                log.warning("taken over by another run")
                return flow.Next.END
            except errors.StoreUnavailable as trouble:
                log.warning("store unavailable, trying again", reason=str(trouble))
                await asyncio.sleep(_STORE_PAUSE)

    return act


async def _guarded(
    p: parts.Parts,
    work: Work,
    transaction: str,
    run: int,
    log: structlog.typing.FilteringBoundLogger,
) -> flow.Next:
    try:
        return await _once(p, work, transaction, run)
    except (errors.Fenced, errors.StoreUnavailable):
        raise
    except Exception as wrong:
        log.exception("phase failed")
        return await _stumble(p, transaction, run, wrong)


async def _once(p: parts.Parts, work: Work, transaction: str, run: int) -> flow.Next:
    mine = await p.journal.write("adopt", lambda c: _adopt(c, p, transaction, run))
    then = flow.Next.END if mine is None else await work(p, mine)
    if then is flow.Next.END:
        p.bell.set()  # leases may be free, a new attempt may be due
        if mine is not None and mine.faults:
            await p.journal.write("recovered", lambda c: faults.overcome(c, p, mine))
    return then


def _adopt(
    connection: sa.Connection, p: parts.Parts, transaction: str, run: int
) -> states.Transaction | None:
    clock_jumps.catch_up(connection, p.clock)
    return journal.adopt(connection, transaction, p.clock.now(), run=run)


async def _stumble(p: parts.Parts, transaction: str, run: int, wrong: Exception) -> flow.Next:
    """A fault nobody foresaw: the row says so and a later run tries; nothing is left 'running'."""
    mine = await p.journal.write("stumble", lambda c: _adopt(c, p, transaction, run))
    if mine is not None:
        what = f"{type(wrong).__name__} (the log has more)"
        await p.journal.write("stumble_wait", lambda c: faults.note(c, p, mine, what))
    return flow.Next.END


async def settle_all(p: parts.Parts) -> tuple[str, ...]:
    """At start, before the motor: settle whatever a crash left, oldest first, two at a time.

    Returns the ids that are still not settled; the feeder tries those again. It is bounded, so that
    silent devices do not keep the daemon from the others. Every open transaction that was running
    is made ready for a new run: its old one must not go on.
    """
    mine = await p.journal.write("take_over", lambda c: _take_over(c, p))
    gate = asyncio.Semaphore(2)

    async def settled(transaction: states.Transaction) -> None:
        async with gate:
            if await p.journal.read(lambda c: participant_rows.of(c, transaction)):
                await _settle_one(p, transaction)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(p.limits.settling):
            await contact.together([settled(transaction) for transaction in mine])
    return await p.journal.read(lambda c: tuple(t.id for t in mine if settle.unsettled(c, t)))


async def _settle_one(p: parts.Parts, transaction: states.Transaction) -> None:
    """A fault nobody foresaw is this transaction's: its next run meets it and says so, the rest start."""
    try:
        await settle.settle(p, transaction)
    except errors.StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001  one order must not keep all others from their start
        structlog.get_logger().exception("settling failed at the start", order=transaction.order)


def _take_over(connection: sa.Connection, p: parts.Parts) -> tuple[states.Transaction, ...]:
    at = p.clock.now()
    for device in trial_leases.forget(connection, at):
        structlog.get_logger().warning(
            "the agent ended while a driver's laws were run here: what was tried may still be there; "
            "'oss-agent device prove' begins by taking it away",
            device=device,
        )
    open_ones = journal.open_ones(connection)
    mine = [one for one in (journal.adopt(connection, t.id, at) for t in open_ones) if one]
    for one in mine:
        if one.stage is states.Stage.RUNNING:
            journal.requeue(connection, one)
    return tuple(mine)
