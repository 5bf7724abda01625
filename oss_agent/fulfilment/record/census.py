"""How many orders and transactions there are in which state: for metrics and readiness."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from oss_agent.fulfilment.record import product_tables, states, tables
from oss_agent.spi import views


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
        .where(tables.transaction.c.stage != states.Stage.CLOSED)
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
