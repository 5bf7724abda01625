"""Resource orders (TMF652): every device change of a transaction belongs to exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment.record import order_rows, tables
from oss_agent.spi import views


def open_all(
    connection: sa.Connection,
    *,
    order: str,
    transaction: str,
    tenant: str,
    ends: Sequence[tuple[str, str, views.ItemAction]],
    at: datetime,
) -> None:
    """One resource order per end (device, rfs, action), unless they are there already.

    Those of an earlier plan for devices that this one leaves alone are cancelled.
    """
    table, known = tables.resource_order, devices(connection, transaction)
    wanted = {device for device, _, _ in ends}
    for gone in set(known) - wanted:
        state = views.OrderState.CANCELLED
        move(connection, transaction=transaction, device=gone, state=state, completion_date=at)
    for device, rfs, action in ends:
        if device in known:
            continue
        number = order_rows.next_number(connection, "resourceOrder")
        connection.execute(
            table.insert().values(
                id=str(number),
                number=number,
                tenant=tenant,
                order_id=order,
                transaction_id=transaction,
                state=views.OrderState.ACKNOWLEDGED,
                order_date=at,
            )
        )
        connection.execute(
            tables.resource_item.insert().values(
                resource_order_id=str(number),
                position=1,
                tenant=tenant,
                device=device,
                rfs=rfs,
                action=action,
                state=views.OrderState.ACKNOWLEDGED,
                change="",
                reverse="",
            )
        )


def move(
    connection: sa.Connection,
    *,
    transaction: str,
    device: str,
    state: views.OrderState,
    completion_date: datetime | None = None,
    **texts: str,
) -> None:
    """Move the resource order of one device change; ``change`` and ``reverse`` are native text."""
    parent, child = tables.resource_order, tables.resource_item
    mine = (
        sa.select(child.c.resource_order_id)
        .join(parent, parent.c.id == child.c.resource_order_id)
        .where(
            parent.c.transaction_id == transaction,
            parent.c.state != views.OrderState.CANCELLED,
            child.c.device == device,
        )
    )
    ids = [row.resource_order_id for row in connection.execute(mine)]
    connection.execute(
        parent.update()
        .where(parent.c.id.in_(ids))
        .values(state=state, completion_date=completion_date)
    )
    connection.execute(
        child.update().where(child.c.resource_order_id.in_(ids)).values(state=state, **texts)
    )


def devices(connection: sa.Connection, transaction: str) -> tuple[str, ...]:
    """The devices that a transaction's resource orders name; not those that were cancelled."""
    parent, child = tables.resource_order, tables.resource_item
    asked = (
        sa.select(child.c.device)
        .join(parent, parent.c.id == child.c.resource_order_id)
        .where(
            parent.c.transaction_id == transaction,
            parent.c.state != views.OrderState.CANCELLED,
        )
        .order_by(parent.c.number)
    )
    return tuple(row.device for row in connection.execute(asked))
