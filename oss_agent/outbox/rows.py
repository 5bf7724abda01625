"""What the sink and the dispatcher do to the outbox's rows; each function runs inside a unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.outbox.pace import LONGEST_PAUSE
from oss_agent.outbox.tables import DELIVERIES, EVENTS, STOPS, State
from oss_agent.spi import events

_D: Final = DELIVERIES.c
# Written out, not bound: a planner takes a partial index only for a condition that it can read.
PENDING: Final = _D.state == sa.literal_column("'pending'")
OPEN: Final = _D.state.in_([sa.literal_column("'pending'"), sa.literal_column("'parked'")])
_REASON_LENGTH: Final = 2_000


def with_event() -> sa.Select[Any]:
    """Deliveries joined with their events, for ``heads`` and for a person's list."""
    of_event = (
        EVENTS.c.number,
        EVENTS.c.id,
        EVENTS.c.kind,
        EVENTS.c.at,
        EVENTS.c.payload,
        EVENTS.c.changed,
    )
    chosen: sa.Select[Any] = sa.select(*DELIVERIES.c, *of_event)
    return chosen.join_from(DELIVERIES, EVENTS, EVENTS.c.number == _D.event)


def _heads() -> sa.Select[Any]:
    """Due deliveries of a receiver with nothing open before them, but of entities that are ``busy``."""
    earlier = DELIVERIES.alias()
    blocked = sa.exists().where(
        earlier.c.receiver == _D.receiver,
        earlier.c.entity == _D.entity,
        earlier.c.event < _D.event,
        earlier.c.state.in_([sa.literal_column("'pending'"), sa.literal_column("'parked'")]),
    )
    free = _D.entity.not_in(sa.bindparam("busy", expanding=True))
    due = with_event().where(_D.receiver == _RECEIVER, *_DUE, sa.not_(blocked), free)
    return due.order_by(_D.event).limit(sa.bindparam("limit", type_=sa.Integer))


def _head() -> sa.Select[Any]:
    """The first open delivery of an entity at a receiver, if it is due."""
    mine = sa.and_(_D.receiver == _RECEIVER, _D.entity == sa.bindparam("at_entity"), OPEN)
    first = sa.select(sa.func.min(_D.event)).where(mine).scalar_subquery()
    return with_event().where(_D.receiver == _RECEIVER, _D.event == first, *_DUE)


_RECEIVER: Final[sa.BindParameter[str]] = sa.bindparam("at_receiver")
# Later than any pause allows means that the clock was set back: due as well.
_LATE: Final = sa.or_(_D.next_at <= sa.bindparam("now"), _D.next_at > sa.bindparam("beyond"))
_DUE: Final = (PENDING, _LATE)
_HEADS: Final = _heads()
_HEAD: Final = _head()
_APPEND: Final = inserting.Insert(EVENTS, once="id")
_UNSPREAD: Final = (
    sa.select(EVENTS.c.number)
    # Written out as its index has it: as ``spread = 0``, which Core makes of not(), SQLite would read
    # every event there ever was, 0.3 s behind forty thousand.
    .where(sa.text("NOT out_event.spread"))
    .order_by(EVENTS.c.number)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_THESE: Final = (
    sa.select(EVENTS)
    .where(EVENTS.c.number.in_(sa.bindparam("numbers", expanding=True)))
    .order_by(EVENTS.c.number)
)
_SPREAD: Final = (
    EVENTS.update()
    .where(EVENTS.c.number.in_(sa.bindparam("numbers", expanding=True)))
    .values(spread=True)
)
_CHANGE: Final = DELIVERIES.update().where(
    _D.receiver == _RECEIVER, _D.event == sa.bindparam("at_event")
)
_STOPPED: Final = sa.select(STOPS)
_EXPECTANT: Final = sa.select(_D.receiver).where(PENDING).distinct()
"""Made once: to build a statement costs several times as much as to run it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in the order of appending."""

    number: int
    event: events.Event


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """The delivery that an entity is at, at one receiver."""

    event: Numbered
    attempts: int
    troubled: bool
    """it was refused before, or a person had a word in it"""


def append(connection: sa.Connection, event: events.Event) -> bool:
    """Store an event to be told. False when one of its id is stored already: it stays as it was."""
    row = {
        "id": event.id,
        "tenant": event.tenant,
        "kind": event.kind.value,
        "entity": event.entity,
        "at": event.at,
        "payload": dict(event.payload),
        "changed": list(event.changed),
        "spread": False,
    }
    return _APPEND.one(connection, row)


def unspread(connection: sa.Connection, *, limit: int) -> list[int]:
    """Numbers of events without delivery rows yet, oldest first."""
    return list(connection.execute(_UNSPREAD, {"limit": limit}).scalars())


def these(connection: sa.Connection, numbers: Sequence[int]) -> list[Numbered]:
    """Events by their numbers, oldest first."""
    return [numbered(row) for row in connection.execute(_THESE, {"numbers": numbers}).mappings()]


def spread(
    connection: sa.Connection,
    numbers: Sequence[int],
    wanted: Sequence[tuple[Numbered, Collection[str]]],
    now: datetime,
) -> None:
    """Give each of these events that is ``wanted`` a delivery row for every receiver of it."""
    deliveries = [
        {
            "receiver": receiver,
            "event": new.number,
            "tenant": new.event.tenant,
            "entity": new.event.entity,
            "state": State.PENDING,
            "attempts": 0,
            "next_at": now,
            "changed_at": now,
            "reason": "",
        }
        for new, receivers in wanted
        for receiver in receivers
    ]
    if deliveries:
        connection.execute(DELIVERIES.insert(), deliveries)
    connection.execute(_SPREAD, {"numbers": numbers})


def heads(
    connection: sa.Connection, receiver: str, *, busy: Collection[str], now: datetime, limit: int
) -> list[Due]:
    """The deliveries a receiver may be given now: per entity the first open one, if it is due."""
    asked = {"at_receiver": receiver, "busy": list(busy), "limit": limit, **_clock(now)}
    return [_due_row(row) for row in connection.execute(_HEADS, asked).mappings()]


def head(connection: sa.Connection, receiver: str, entity: str, now: datetime) -> Due | None:
    """The first open delivery of one entity at one receiver, if it is due."""
    asked = {"at_receiver": receiver, "at_entity": entity, **_clock(now)}
    row = connection.execute(_HEAD, asked).mappings().first()
    return None if row is None else _due_row(row)


def _clock(now: datetime) -> dict[str, datetime]:
    return {"now": now, "beyond": now + LONGEST_PAUSE}


def change(
    connection: sa.Connection,
    receiver: str,
    number: int,
    *,
    state: State,
    attempts: int,
    next_at: datetime,
    now: datetime,
    reason: str,
) -> None:
    """Write what an attempt, or a person, made of a delivery."""
    row = {
        "at_receiver": receiver,
        "at_event": number,
        "state": state,
        "attempts": attempts,
        "next_at": next_at,
        "changed_at": now,
        "reason": clean(reason),
    }
    connection.execute(_CHANGE, row)


def stop(connection: sa.Connection, receiver: str, reason: str, now: datetime) -> bool:
    """Tell a receiver nothing more. False when it was stopped already."""
    if receiver in stopped(connection):
        return False
    connection.execute(STOPS.insert().values(receiver=receiver, at=now, reason=clean(reason)))
    return True


def stopped(connection: sa.Connection) -> dict[str, str]:
    """Receivers that are stopped, and why."""
    return {row.receiver: row.reason for row in connection.execute(_STOPPED)}


def waiting(connection: sa.Connection) -> dict[str, datetime]:
    """Every receiver that has something to be told, and when the oldest of it happened."""
    oldest = (
        sa.select(_D.receiver, sa.func.min(_D.event).label("event"))
        .where(PENDING)
        .group_by(_D.receiver)
        .subquery()
    )
    wanted = sa.select(oldest.c.receiver, EVENTS.c.at).join_from(
        oldest, EVENTS, EVENTS.c.number == oldest.c.event
    )
    return {row.receiver: row.at for row in connection.execute(wanted)}


def expectant(connection: sa.Connection) -> set[str]:
    """Everybody who has something to be told, due or not."""
    return set(connection.scalars(_EXPECTANT))


def receivers(connection: sa.Connection) -> frozenset[str]:
    """Everybody who has something open, or is stopped."""
    found = connection.scalars(sa.select(_D.receiver).where(OPEN).distinct())
    return frozenset(found) | frozenset(stopped(connection))


def everybody(connection: sa.Connection) -> frozenset[str]:
    """Everybody who ever had something to be told and is not forgotten."""
    return frozenset(connection.scalars(sa.select(_D.receiver).distinct()))


def silent_since(connection: sa.Connection, receiver: str, moment: datetime) -> bool:
    """Was it tried, and has it accepted nothing since that moment?"""
    accepted = sa.exists().where(
        _D.receiver == receiver, _D.state == State.DONE, _D.changed_at > moment
    )
    tried = sa.exists().where(_D.receiver == receiver, PENDING, _D.attempts > 0)
    return bool(connection.scalar(sa.select(sa.and_(tried, sa.not_(accepted)))))


def give_up(connection: sa.Connection, receiver: str, reason: str, now: datetime) -> set[str]:
    """Tell a receiver nothing of what is open; the entities that were parked there."""
    mine = sa.and_(_D.receiver == receiver, OPEN)
    parked = sa.select(_D.entity).where(mine, _D.state == State.PARKED)
    entities = set(connection.scalars(parked))
    connection.execute(
        DELIVERIES.update()
        .where(mine)
        .values(state=State.SKIPPED, changed_at=now, reason=clean(reason))
    )
    connection.execute(STOPS.delete().where(STOPS.c.receiver == receiver))
    return entities


def numbered(row: sa.RowMapping) -> Numbered:
    """An event row as a value."""
    kept = events.Event(
        id=row["id"],
        kind=events.EventKind(row["kind"]),
        tenant=row["tenant"],
        entity=row["entity"],
        at=row["at"],
        payload=row["payload"],
        changed=tuple(row["changed"]),
    )
    return Numbered(row["number"], kept)


def _due_row(row: sa.RowMapping) -> Due:
    return Due(numbered(row), row["attempts"], troubled=row["reason"] != "")


def clean(reason: str) -> str:
    """A receiver's words are foreign text: printable, and bounded."""
    return "".join(c if c.isprintable() else " " for c in reason[:_REASON_LENGTH])
