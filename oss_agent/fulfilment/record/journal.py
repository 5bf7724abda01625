"""The journal: transactions and decisions as rows, every update fenced by a token.

Only these rows decide what happens after a crash; the motor's own records are never read. A token
is raised whenever a phase takes a transaction up, so that a run that was believed dead and comes
back (frozen, partitioned) changes no row any more: its updates match nothing and raise Fenced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from oss_agent import errors, inserting
from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import codec, plain, precedence, states, tables
from oss_agent.spi import store

T = TypeVar("T")

_OF = tables.transaction.c
_INSERT, _DECIDE = inserting.Insert(tables.transaction), inserting.Insert(tables.decision)
_PART, _LEASE = tables.participant, tables.lease
_MINE = sa.and_(_OF.id == sa.bindparam("at_transaction"), _OF.stage != states.Stage.CLOSED)
_TAKE_OVER = (
    tables.transaction.update()
    .where(_MINE)
    .values(token=_OF.token + 1, touched_at=sa.bindparam("now"))
    .returning(tables.transaction)
)
_TAKE_UP = _TAKE_OVER.where(_OF.run == sa.bindparam("at_run"), _OF.stage == states.Stage.RUNNING)
_LOAD = tables.transaction.select().where(_OF.id == sa.bindparam("at_transaction"))
_TO_PARTICIPANTS = (
    _PART.update()
    .where(
        _PART.c.transaction_id == sa.bindparam("at_transaction"),
        _PART.c.attempt == sa.bindparam("at_attempt"),
    )
    .values(token=sa.bindparam("raised"))
)
_UPDATE = tables.transaction.update().where(
    _OF.id == sa.bindparam("at_transaction"), _OF.token == sa.bindparam("at_token")
)
_OPEN_ONES = tables.transaction.select().where(_OF.stage != states.Stage.CLOSED)
_DECISION = tables.decision.select().where(
    tables.decision.c.transaction_id == sa.bindparam("at_transaction"),
    tables.decision.c.attempt == sa.bindparam("at_attempt"),
)
_TO_LEASES = (
    _LEASE.update()
    .where(_LEASE.c.transaction_id == sa.bindparam("at_transaction"))
    .values(token=sa.bindparam("raised"))
)
"""Made once: to build a statement costs several times as much as to run it."""


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


@dataclass(frozen=True, slots=True)
class Begun:
    """The transaction of an item that is accepted; ``closed`` where nothing is to be done."""

    position: int
    accepted: int
    approved: str | None = None
    closed: bool = False


def begin(
    connection: sa.Connection, order: str, tenant: str, items: Sequence[Begun], at: datetime
) -> None:
    """Queue the transactions of an order's items."""
    rows = [
        {
            "id": named(order, one.position),
            "tenant": tenant,
            "order_id": order,
            "position": one.position,
            "accepted": one.accepted,
            "stage": states.Stage.CLOSED if one.closed else states.Stage.QUEUED,
            "closed_at": at if one.closed else None,
            "run": 0,
            "attempt": 1,
            "token": 0,
            "tries": 0,
            "touched_at": at,
            "approved": one.approved,
        }
        for one in items
    ]
    _INSERT.several(connection, rows)


def named(order: str, position: int) -> str:
    """The id of an item's transaction."""
    return f"{order}-{position}"


def load(connection: sa.Connection, transaction: str) -> states.Transaction | None:
    """The row, or None."""
    row = connection.execute(_LOAD, {"at_transaction": transaction}).one_or_none()
    return None if row is None else of_row(row)


def open_ones(connection: sa.Connection) -> tuple[states.Transaction, ...]:
    """Every transaction that is not closed, in order of acceptance."""
    return tuple(of_row(row) for row in connection.execute(_OPEN_ONES.order_by(_OF.accepted)))


def of_row(row: sa.Row[Any]) -> states.Transaction:
    """A row as a value."""
    wait = None
    if row.wait_reason is not None:
        kind = states.WaitKind(row.wait_kind or states.WaitKind.WORK)
        wait = states.Wait(
            row.wait_reason, row.wait_since, row.wake_at, row.wait_who, kind, row.wait_until
        )
    return states.Transaction(
        id=row.id,
        tenant=row.tenant,
        order=row.order_id,
        position=row.position,
        accepted=row.accepted,
        stage=states.Stage(row.stage),
        run=row.run,
        attempt=row.attempt,
        token=row.token,
        tries=row.tries,
        touched_at=row.touched_at,
        wait=wait,
        deadline=row.deadline,
        design=None if row.design is None else codec.design_from_json(row.design),
        deadline_of=row.deadline_of,
        faults=row.faults,
        group_limit=row.group_limit,
    )


def adopt(
    connection: sa.Connection, transaction: str, at: datetime, *, run: int | None = None
) -> states.Transaction | None:
    """Take a transaction up: raise its token on row, participants and leases.

    None when it is closed or, with ``run`` given, when another run is its current one.
    """
    mine: dict[str, Any] = {"at_transaction": transaction, "now": at}
    if run is None:
        raised = connection.execute(_TAKE_OVER, mine)
    else:
        raised = connection.execute(_TAKE_UP, {**mine, "at_run": run})
    row = raised.one_or_none()
    if row is None:
        return None
    found = of_row(row)
    _pass_token_on(connection, found)
    return found


def _pass_token_on(connection: sa.Connection, transaction: states.Transaction) -> None:
    mine = {"at_transaction": transaction.id, "raised": transaction.token}
    connection.execute(_TO_PARTICIPANTS, {**mine, "at_attempt": transaction.attempt})
    connection.execute(_TO_LEASES, mine)


def update(connection: sa.Connection, transaction: states.Transaction, **values: Any) -> None:
    """Change a transaction's row while we are the one who works on it, else Fenced."""
    fence = {"at_transaction": transaction.id, "at_token": transaction.token}
    must_match(connection.execute(_UPDATE, fence | values), transaction.id)


def wait(
    connection: sa.Connection, transaction: states.Transaction, why: states.Wait, **values: Any
) -> None:
    """Put a transaction to sleep as a row; the feeder starts its next run at ``wake_at``.

    One that gives its turn away by it (it waits for a person or a date) lets those behind it look.
    """
    update(
        connection,
        transaction,
        stage=states.Stage.WAITING,
        **wait_columns(why),
        tries=transaction.tries + 1,
        **values,
    )
    if not precedence.stands(why):
        precedence.wake(connection, transaction, why.since)


def wait_columns(why: states.Wait | None) -> dict[str, Any]:
    """The columns of a wait; all empty when nothing is waited for."""
    return {
        "wait_reason": plain.line(why.reason) if why else None,
        "wait_since": why.since if why else None,
        "wake_at": why.wake_at if why else None,
        "wait_who": plain.line(why.who) if why else None,
        "wait_kind": why.kind if why else None,
        "wait_until": why.until if why else None,
    }


def wake(connection: sa.Connection, order: str, at: datetime) -> None:
    """Let the sleeping transactions of an order look now."""
    table = tables.transaction
    asleep = table.update().where(table.c.order_id == order, table.c.stage == states.Stage.WAITING)
    connection.execute(asleep.values(wake_at=at))


def wake_one(connection: sa.Connection, transaction: states.Transaction, at: datetime) -> None:
    """Let it look now if it sleeps; whoever works on it is not disturbed."""
    mine = _OF.id == transaction.id, _OF.stage == states.Stage.WAITING
    connection.execute(tables.transaction.update().where(*mine).values(wake_at=at))


def must_be_ours(connection: sa.Connection, transaction: states.Transaction) -> None:
    """Fenced unless we are still the one who works on it: before a unit's first lasting effect."""
    update(connection, transaction, token=transaction.token)


def requeue(connection: sa.Connection, transaction: states.Transaction) -> None:
    """Make a transaction ready for its next run; the run that had it ends when it looks."""
    update(connection, transaction, stage=states.Stage.QUEUED)


def decision(connection: sa.Connection, transaction: states.Transaction) -> states.Decision | None:
    """The decision of the current attempt, or None."""
    mine = {"at_transaction": transaction.id, "at_attempt": transaction.attempt}
    row = connection.execute(_DECISION, mine).one_or_none()
    if row is None:
        return None
    verdict, cause = states.Verdict(row.verdict), states.Cause(row.cause)
    return states.Decision(verdict, cause, row.reason, row.culprit, row.who, row.at)


def interruptions(connection: sa.Connection, transaction: states.Transaction) -> int:
    """How many of its attempts ended because the work was interrupted."""
    table = tables.decision
    asked = sa.select(sa.func.count()).where(
        table.c.transaction_id == transaction.id, table.c.cause == states.Cause.INTERRUPTED
    )
    found: int = connection.execute(asked).scalar_one()
    return found


def decide(
    connection: sa.Connection, transaction: states.Transaction, wanted: states.Decision
) -> states.Decision:
    """Write the decision unless there is one: the first stands for ever. Fenced as ``update``."""
    must_be_ours(connection, transaction)
    standing = decision(connection, transaction)
    if standing is not None:
        return standing
    row = {
        "transaction_id": transaction.id,
        "attempt": transaction.attempt,
        "tenant": transaction.tenant,
        "verdict": wanted.verdict,
        "cause": wanted.cause,
        "reason": plain.line(wanted.reason),
        "culprit": wanted.culprit,
        "who": plain.line(wanted.who),
        "token": transaction.token,
        "at": wanted.at,
    }
    _DECIDE.one(connection, row)
    return wanted


def must_match(result: sa.CursorResult[Any], transaction: str) -> None:
    """Fenced when an update that carried our token found no row."""
    if result.rowcount == 0:
        raise errors.Fenced(f"transaction {transaction} was taken over by another run")
