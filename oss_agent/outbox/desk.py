"""What a person sees of the outbox and decides about it; each function runs inside a unit.

After ``restart``, ``redeliver`` or ``skip`` call ``Outbox.wake``, so that it happens at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.outbox import rows
from oss_agent.outbox.tables import DELIVERIES, EVENTS, STOPS, State
from oss_agent.spi import events

_D: Final = DELIVERIES.c
_BY_HAND: Final = "tried again by hand"


@dataclasses.dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event at one receiver, for a person. ``next_at`` means something while pending."""

    receiver: str
    number: int
    event_id: str
    kind: str
    tenant: str
    entity: str
    at: datetime
    state: State
    attempts: int
    next_at: datetime
    changed_at: datetime
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Backlog:
    """What one receiver has not taken yet; ``oldest`` is when the oldest of it happened."""

    receiver: str
    pending: int
    parked: int
    oldest: datetime
    stopped: str | None
    """why the whole receiver is stopped"""


def restart(connection: sa.Connection, receiver: str, now: datetime) -> bool:
    """A person says that a stopped receiver may be told again. False when it was not stopped.

    What it failed at before counts no more: it gets its time anew before it is given up again.
    """
    afresh = {"attempts": 0, "next_at": now, "changed_at": now}
    connection.execute(
        DELIVERIES.update().where(_D.receiver == receiver, rows.PENDING).values(**afresh)
    )
    return bool(connection.execute(STOPS.delete().where(STOPS.c.receiver == receiver)).rowcount)


def redeliver(connection: sa.Connection, receiver: str, event_id: str, now: datetime) -> None:
    """A person wants this delivery tried again, whatever became of it. NotFound."""
    _decide(connection, receiver, event_id, State.PENDING, _BY_HAND, now)


def redeliver_all(connection: sa.Connection, tenant: str, receiver: str, now: datetime) -> int:
    """A person mended a receiver: all that it refused is tried again; how many wait there now.

    NotFound when nothing of the tenant waits there.
    """
    mine = sa.and_(_D.receiver == receiver, _D.tenant == tenant, rows.OPEN)
    changed = connection.execute(
        DELIVERIES.update()
        .where(mine)
        .values(state=State.PENDING, attempts=0, next_at=now, changed_at=now, reason=_BY_HAND)
    )
    if changed.rowcount == 0:
        raise errors.NotFound(f"an open delivery to {receiver}")
    return changed.rowcount


def skip(
    connection: sa.Connection, receiver: str, event_id: str, reason: str, now: datetime
) -> None:
    """A person gives this delivery up, so that its entity goes on. NotFound."""
    _decide(connection, receiver, event_id, State.SKIPPED, reason, now)


def _decide(
    connection: sa.Connection,
    receiver: str,
    event_id: str,
    state: State,
    reason: str,
    now: datetime,
) -> None:
    number = connection.execute(
        sa.select(EVENTS.c.number).where(EVENTS.c.id == event_id)
    ).scalar_one_or_none()
    changed = connection.execute(
        DELIVERIES.update()
        .where(_D.receiver == receiver, _D.event == number)
        .values(state=state, attempts=0, next_at=now, changed_at=now, reason=rows.clean(reason))
    )
    if changed.rowcount == 0:
        raise errors.NotFound(f"a delivery of event {event_id} to {receiver}")


def deliveries(
    connection: sa.Connection,
    *,
    tenant: str | None = None,
    receiver: str | None = None,
    states: Collection[State] = (),
    event_id: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> list[DeliveryView]:
    """Deliveries that match, oldest event first."""
    wanted = rows.with_event().order_by(_D.event, _D.receiver).offset(offset).limit(limit)
    if receiver is not None:
        wanted = wanted.where(_D.receiver == receiver)
    if tenant is not None:
        wanted = wanted.where(_D.tenant == tenant)
    if states:
        wanted = wanted.where(_D.state.in_(states))
    if event_id is not None:
        wanted = wanted.where(EVENTS.c.id == event_id)
    return [_view(row) for row in connection.execute(wanted).mappings()]


def event(connection: sa.Connection, event_id: str) -> events.Event:
    """One event as it was stored; NotFound."""
    wanted = sa.select(EVENTS).where(EVENTS.c.id == event_id)
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise errors.NotFound(f"event {event_id}")
    return rows.numbered(row).event


def backlog(connection: sa.Connection, tenant: str | None = None) -> list[Backlog]:
    """Every receiver that has not taken all it should have; those with nothing open are absent."""
    mine = sa.true() if tenant is None else _D.tenant == tenant
    parked = sa.func.sum(sa.case((_D.state == State.PARKED, 1), else_=0))
    counted = (
        sa.select(
            _D.receiver,
            sa.func.count().label("open"),
            parked.label("parked"),
            sa.func.min(EVENTS.c.at).label("oldest"),
        )
        .join_from(DELIVERIES, EVENTS, EVENTS.c.number == _D.event)
        .where(rows.OPEN, mine)
        .group_by(_D.receiver)
        .order_by(_D.receiver)
    )
    stops = rows.stopped(connection)
    return [
        Backlog(
            receiver=row["receiver"],
            pending=row["open"] - row["parked"],
            parked=row["parked"],
            oldest=row["oldest"],
            stopped=stops.get(row["receiver"]),
        )
        for row in connection.execute(counted).mappings()
    ]


def forgettable(
    connection: sa.Connection, before: datetime, *, limit: int = 5_000
) -> tuple[int, ...]:
    """Numbers of events of before a moment that every receiver has."""
    still_open = sa.exists().where(_D.event == EVENTS.c.number, rows.OPEN)
    old = (
        sa.select(EVENTS.c.number)
        .where(EVENTS.c.spread, EVENTS.c.at < before, sa.not_(still_open))
        .limit(limit)
    )
    return tuple(connection.scalars(old))


def forget(connection: sa.Connection, numbers: Collection[int]) -> int:
    """Delete these events and what became of them; how many were there."""
    connection.execute(DELIVERIES.delete().where(_D.event.in_(numbers)))
    return connection.execute(EVENTS.delete().where(EVENTS.c.number.in_(numbers))).rowcount


def _view(row: sa.RowMapping) -> DeliveryView:
    return DeliveryView(
        receiver=row["receiver"],
        number=row["number"],
        event_id=row["id"],
        kind=row["kind"],
        tenant=row["tenant"],
        entity=row["entity"],
        at=row["at"],
        state=State(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        changed_at=row["changed_at"],
        reason=row["reason"],
    )
