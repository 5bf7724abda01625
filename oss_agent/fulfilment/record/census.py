"""How many orders and transactions there are in which state: for metrics and readiness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent.fulfilment.record import product_tables, states, tables
from oss_agent.spi import views

_MOST: Final = 10_000
"""Ends of transactions told at most, the last ones: who was down for months need not know all."""
_OPEN: Final = tuple(one for one in states.Stage if one is not states.Stage.CLOSED)
"""By name, so that the index over stages finds them: all that ever were are read for "not closed"."""


def orders_by_state(connection: sa.Connection) -> Mapping[str, int]:
    """TMF641 state -> orders."""
    state = tables.order.c.state
    rows = connection.execute(sa.select(state, sa.func.count()).group_by(state))
    return {row[0]: row[1] for row in rows}


def transactions_by_stage(connection: sa.Connection) -> Mapping[str, int]:
    """Stage -> transactions; every stage is there, also with 0."""
    stage = tables.transaction.c.stage
    rows = connection.execute(sa.select(stage, sa.func.count()).group_by(stage))
    return {one.value: 0 for one in states.Stage} | {row[0]: row[1] for row in rows}


def in_doubt(connection: sa.Connection) -> tuple[str, ...]:
    """Transactions with a device in state UNKNOWN: somebody has to look."""
    t = tables.participant.c
    asked = sa.select(t.transaction_id).where(t.state == states.State.UNKNOWN).distinct()
    return tuple(row[0] for row in connection.execute(asked.order_by(t.transaction_id)))


def ended_since(connection: sa.Connection, at: datetime) -> tuple[tuple[str, str, datetime], ...]:
    """(device, order, when) of what transactions ended on devices since a moment, oldest first; bounded."""
    t, p = tables.transaction.c, tables.participant.c
    final = [state for state in states.State if state.final]
    query = (
        sa.select(p.device, t.order_id, p.since)
        .join(tables.transaction, t.id == p.transaction_id)
        .where(p.since > at, p.sent, p.state.in_(final))
        .order_by(p.since.desc())
        .limit(_MOST)
    )
    told = [(name, order, since) for name, order, since in connection.execute(query)]
    return tuple(reversed(told))


def services_in_work(connection: sa.Connection) -> frozenset[str]:
    """Services that an order is at work on, or waits to be: nobody can judge them yet."""
    c = tables.item.c
    mine = sa.and_(
        tables.transaction.c.order_id == c.order_id, tables.transaction.c.position == c.position
    )
    rows = (
        sa.select(c.service_id)
        .join(tables.transaction, mine)
        .where(tables.transaction.c.stage.in_(_OPEN))
        .distinct()
    )
    return frozenset(connection.execute(rows).scalars())


def specifications_in_work(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many items that are not done with are carried out by each specification (id, version)."""
    c = tables.item.c
    key = (c.specification_id, c.specification_version)
    mine = sa.and_(
        tables.transaction.c.order_id == c.order_id, tables.transaction.c.position == c.position
    )
    rows = (
        sa.select(*key, sa.func.count())
        .join(tables.transaction, mine)
        .where(tables.transaction.c.stage.in_(_OPEN))
        .group_by(*key)
        .order_by(*key)
    )
    return {(of, version): number for of, version, number in connection.execute(rows)}


def offerings_in_work(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many items of product orders that have not ended make a product one of each (id, version)."""
    c = product_tables.product_item.c
    key = (c.offering_id, c.offering_version)
    over = [state.value for state in views.OrderState if state.final]
    rows = (
        sa.select(*key, sa.func.count()).where(c.state.not_in(over)).group_by(*key).order_by(*key)
    )
    return {(of, version): number for of, version, number in connection.execute(rows)}
