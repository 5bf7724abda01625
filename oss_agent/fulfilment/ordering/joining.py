"""Brings more items into an order at work, inside one unit: each is queued as if the order began with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import intake
from oss_agent.fulfilment.record import journal, order_rows
from oss_agent.spi import orders, views


def join(
    connection: sa.Connection,
    p: parts.Parts,
    order: views.ServiceOrderView,
    items: Sequence[orders.ItemRequest],
    at: datetime,
) -> Mapping[str, int]:
    """Store ``items``, whose ids the order has not yet; their positions by their ids.

    They are judged as those of an order that was accepted: by versions that may have retired since.
    OrderRejected names the field. What they come after is for the caller to say.
    """
    if not items:
        return {}
    _refuse_many(p, order, items)
    asked = orders.OrderRequest(
        order.tenant,
        order.requester,
        tuple(dataclasses.replace(one, after=()) for one in items),
        "",
    )
    asked, found = intake.judged(connection, p, asked, kept=True)
    places = order_rows.append(connection, order.id, order.tenant, asked.items, found)
    begun = [
        journal.Begun(position, order_rows.next_number(connection, "transaction"))
        for position in places.values()
    ]
    journal.begin(connection, order.id, order.tenant, begun, at)
    names = ", ".join(places)
    text = f"taken into it: {names}"
    order_rows.note(connection, order=order.id, tenant=order.tenant, at=at, text=text)
    return places


def free_id(taken: Sequence[str], wanted: str) -> str:
    """``wanted``, or with a number behind it where an item was taken out that is called so. Pure."""
    numbers = (f"{wanted}.{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbers) if name not in taken)


def _refuse_many(
    p: parts.Parts, order: views.ServiceOrderView, items: Sequence[orders.ItemRequest]
) -> None:
    total = len(order.items) + len(items)
    if total > p.limits.items:
        raise errors.OrderRejected(
            f"service order {order.id} would have {total} items, also those that were taken out of "
            f"it, and {p.limits.items} are the most: cancel it and send another",
            field=items[0].path,
            status=422,
            code="notPatchable",
        )
