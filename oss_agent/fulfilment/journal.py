"""The journal: transactions, participants and decisions as rows, every update fenced by a token.

Only these rows decide what happens after a crash; the motor's own records are never read. A token
is raised whenever a phase takes a transaction up, so that a run that was believed dead and comes
back (frozen, partitioned) changes no row any more: its updates match nothing and raise Fenced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import codec, failpoints, tables
from oss_agent.spi import catalogue, clock, store
from oss_agent.spi.tree import Path, Tree, from_json, to_json

T = TypeVar("T")


class Stage(StrEnum):
    """Where a transaction stands for the feeder."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    CLOSED = "closed"


class State(StrEnum):
    """Where one participant stands (transactions.md section 3)."""

    PLANNED = "planned"
    LOCKED = "locked"
    EDITED = "edited"
    VALIDATED = "validated"
    COMMITTING = "committing"
    HELD = "held"
    CONFIRMING = "confirming"
    PROVEN = "proven"
    SAVED = "saved"
    DONE = "done"
    REVERTED = "reverted"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Nothing is left to do at this device."""
        return self in {State.DONE, State.REVERTED}


class Verdict(StrEnum):
    """The two decisions."""

    COMMIT = "commit"
    ABORT = "abort"


class Cause(StrEnum):
    """Why an attempt was decided as it was; an abort's cause says what happens next."""

    PROVEN = "proven"
    REJECTED = "changeRejected"
    REFUSED = "deviceRefused"
    PROOF = "proofFailed"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"
    UNREACHABLE = "deviceUnreachable"
    BUSY = "deviceBusy"
    INTERRUPTED = "interrupted"

    @property
    def transient(self) -> bool:
        """Worth another attempt, because time alone may heal it."""
        return self in {Cause.UNREACHABLE, Cause.BUSY, Cause.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a transaction stands still; the reason is a sentence, ``who`` says who can help."""

    reason: str
    since: datetime
    wake_at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction row. ``deadline`` is when its waiting ends in failure."""

    id: str
    tenant: str
    order: str
    position: int
    accepted: int
    stage: Stage
    run: int
    attempt: int
    token: int
    tries: int
    touched_at: datetime
    wait: Wait | None
    deadline: datetime | None
    design: catalogue.Design | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a device undoes an unconfirmed commit: wall time for people, boot time for us."""

    wall: datetime
    boot: clock.BootTime

    def expired(self, now: clock.BootTime) -> bool:
        """Another boot counts as expired: then the device is read back (law 9)."""
        return now.boot_id != self.boot.boot_id or now.seconds >= self.boot.seconds


@dataclass(frozen=True, slots=True)
class Participant:
    """One device's part in one attempt."""

    transaction: str
    attempt: int
    device: str
    tenant: str
    platform: str
    state: State
    since: datetime
    token: int
    persist: str
    before: Tree
    target: Tree
    roots: tuple[Path, ...]
    snapshot: str
    snapshot_digest: str
    deadline: Deadline | None = None
    cause: Cause | None = None
    reason: str = ""
    who: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The one decision of an attempt; ``culprit`` is the device that made it an abort."""

    verdict: Verdict
    cause: Cause
    reason: str
    culprit: str | None
    who: str
    at: datetime


class Journal:
    """Durable writes, each between two failpoints named after it."""

    def __init__(self, rows: store.Store, points: failpoints.Failpoints) -> None:
        self._rows = rows
        self._points = points

    async def write(self, name: str, unit: Callable[[sa.Connection], T]) -> T:
        """Run a unit; it is synced when this returns."""
        self._points.hit(f"journal.{name}.before")
        result = await self._rows.write(unit)
        self._points.hit(f"journal.{name}.after")
        return result

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """What is committed."""
        return await self._rows.read(query)


def load(connection: sa.Connection, transaction: str) -> Transaction | None:
    """The row, or None."""
    table = tables.transaction
    row = connection.execute(table.select().where(table.c.id == transaction)).one_or_none()
    return None if row is None else of_row(row)


def open_ones(connection: sa.Connection) -> tuple[Transaction, ...]:
    """Every transaction that is not closed, in order of acceptance."""
    table = tables.transaction
    asked = table.select().where(table.c.stage != Stage.CLOSED).order_by(table.c.accepted)
    return tuple(of_row(row) for row in connection.execute(asked))


def of_row(row: sa.Row[Any]) -> Transaction:
    """A row as a value."""
    wait = None
    if row.wait_reason is not None:
        wait = Wait(row.wait_reason, row.wait_since, row.wake_at, row.wait_who)
    return Transaction(
        id=row.id,
        tenant=row.tenant,
        order=row.order_id,
        position=row.position,
        accepted=row.accepted,
        stage=Stage(row.stage),
        run=row.run,
        attempt=row.attempt,
        token=row.token,
        tries=row.tries,
        touched_at=row.touched_at,
        wait=wait,
        deadline=row.deadline,
        design=None if row.design is None else codec.design_from_json(row.design),
    )


def adopt(
    connection: sa.Connection, transaction: str, at: datetime, *, run: int | None = None
) -> Transaction | None:
    """Take a transaction up: raise its token on row, participants and leases.

    None when it is closed or, with ``run`` given, when another run is its current one.
    """
    table = tables.transaction
    mine = [table.c.id == transaction, table.c.stage != Stage.CLOSED]
    if run is not None:
        mine += [table.c.run == run, table.c.stage == Stage.RUNNING]
    raised = table.update().where(*mine).values(token=table.c.token + 1, touched_at=at)
    if connection.execute(raised).rowcount == 0:
        return None
    found = load(connection, transaction)
    if found is not None:
        _pass_token_on(connection, found)
    return found


def _pass_token_on(connection: sa.Connection, transaction: Transaction) -> None:
    part, lease = tables.participant, tables.lease
    connection.execute(
        part.update()
        .where(part.c.transaction_id == transaction.id, part.c.attempt == transaction.attempt)
        .values(token=transaction.token)
    )
    connection.execute(
        lease.update()
        .where(lease.c.transaction_id == transaction.id)
        .values(token=transaction.token)
    )


def update(connection: sa.Connection, transaction: Transaction, **values: Any) -> None:
    """Change a transaction's row while we are the one who works on it, else Fenced."""
    table = tables.transaction
    fenced = table.update().where(table.c.id == transaction.id, table.c.token == transaction.token)
    _must_match(connection.execute(fenced.values(**values)), transaction.id)


def wait(connection: sa.Connection, transaction: Transaction, why: Wait, **values: Any) -> None:
    """Put a transaction to sleep as a row; the feeder starts its next run at ``wake_at``."""
    update(
        connection,
        transaction,
        stage=Stage.WAITING,
        wait_reason=why.reason,
        wait_since=why.since,
        wake_at=why.wake_at,
        wait_who=why.who,
        tries=transaction.tries + 1,
        **values,
    )


def plan(connection: sa.Connection, participants: tuple[Participant, ...]) -> None:
    """Write the intent: the first rows of an attempt, before the first byte to a device."""
    for one in participants:
        connection.execute(
            tables.participant.insert().values(
                transaction_id=one.transaction,
                attempt=one.attempt,
                device=one.device,
                tenant=one.tenant,
                platform=one.platform,
                state=one.state,
                since=one.since,
                token=one.token,
                persist=one.persist,
                before=to_json(one.before),
                target=to_json(one.target),
                roots=[codec.path_to_json(path) for path in one.roots],
                snapshot=one.snapshot,
                snapshot_digest=one.snapshot_digest,
                reason=one.reason,
                who=one.who,
                outcome=one.outcome,
            )
        )


def participants(connection: sa.Connection, transaction: Transaction) -> tuple[Participant, ...]:
    """Those of the current attempt, by device."""
    table = tables.participant
    asked = table.select().where(
        table.c.transaction_id == transaction.id, table.c.attempt == transaction.attempt
    )
    rows = connection.execute(asked.order_by(table.c.device))
    return tuple(_participant(row) for row in rows)


def _participant(row: sa.Row[Any]) -> Participant:
    deadline = None
    if row.deadline is not None:
        boot = clock.BootTime(row.deadline_boot_id, row.deadline_boot)
        deadline = Deadline(row.deadline, boot)
    return Participant(
        transaction=row.transaction_id,
        attempt=row.attempt,
        device=row.device,
        tenant=row.tenant,
        platform=row.platform,
        state=State(row.state),
        since=row.since,
        token=row.token,
        persist=row.persist,
        before=from_json(row.before),
        target=from_json(row.target),
        roots=tuple(codec.path_from_json(path) for path in row.roots),
        snapshot=row.snapshot,
        snapshot_digest=row.snapshot_digest,
        deadline=deadline,
        cause=None if row.cause is None else Cause(row.cause),
        reason=row.reason,
        who=row.who,
        outcome=row.outcome,
    )


def move(
    connection: sa.Connection, one: Participant, state: State, at: datetime, **values: Any
) -> Participant:
    """Write a participant's next state (and columns), fenced. Returns it as it is now."""
    table = tables.participant
    fenced = table.update().where(
        table.c.transaction_id == one.transaction,
        table.c.attempt == one.attempt,
        table.c.device == one.device,
        table.c.token == one.token,
    )
    since = at if state is not one.state else one.since
    columns = {"state": state, "since": since, **_columns(values)}
    _must_match(connection.execute(fenced.values(**columns)), one.transaction)
    return dataclasses.replace(one, state=state, since=since, **values)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    deadline = columns.pop("deadline", None)
    if isinstance(deadline, Deadline):
        columns |= {
            "deadline": deadline.wall,
            "deadline_boot_id": deadline.boot.boot_id,
            "deadline_boot": deadline.boot.seconds,
        }
    return columns


def decision(connection: sa.Connection, transaction: Transaction) -> Decision | None:
    """The decision of the current attempt, or None."""
    table = tables.decision
    asked = table.select().where(
        table.c.transaction_id == transaction.id, table.c.attempt == transaction.attempt
    )
    row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    verdict, cause = Verdict(row.verdict), Cause(row.cause)
    return Decision(verdict, cause, row.reason, row.culprit, row.who, row.at)


def decide(connection: sa.Connection, transaction: Transaction, wanted: Decision) -> Decision:
    """Write the decision unless there is one: the first stands for ever. Fenced as ``update``."""
    update(connection, transaction, token=transaction.token)
    standing = decision(connection, transaction)
    if standing is not None:
        return standing
    connection.execute(
        tables.decision.insert().values(
            transaction_id=transaction.id,
            attempt=transaction.attempt,
            tenant=transaction.tenant,
            verdict=wanted.verdict,
            cause=wanted.cause,
            reason=wanted.reason,
            culprit=wanted.culprit,
            who=wanted.who,
            token=transaction.token,
            at=wanted.at,
        )
    )
    return wanted


def _must_match(result: sa.CursorResult[Any], transaction: str) -> None:
    if result.rowcount == 0:
        raise errors.Fenced(f"transaction {transaction} was taken over by another run")
