"""Decides whether an order may be changed as somebody wishes, and changes it: all or nothing.

Whoever wishes decided on what was shown to them: the order is compared with that in the very unit
that changes it, so that of two writers one hears that he was overtaken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import amend, holds
from oss_agent.fulfilment.record import journal, order_moves, order_rows, product_rows
from oss_agent.fulfilment.turn import watch
from oss_agent.spi import events, orders, views

_NAMES = {
    "requested_completion": "requestedCompletionDate",
    "requested_start": "requestedStartDate",
}


def amend_order(
    connection: sa.Connection, p: parts.Parts, wish: orders.Amendment, at: datetime
) -> views.ServiceOrderView:
    """The order as it is then. OrderRejected or Conflict: nothing of it was changed."""
    seen = wish.expected
    now = holds.changeable(connection, seen.tenant, seen.id)
    if now != seen:
        raise errors.Conflict(f"order {seen.id} has changed since it was read")
    _set(connection, now, wish, at)
    if "requested_start" in wish.attributes:
        watch.promise_anew(connection, p, seen.id, at)
    for one in wish.items:
        _amend_item(connection, p, now, one, wish.by, at)
    held = _hold(connection, p, wish, at) if wish.hold is not None else now
    if wish.attributes or wish.extra is not None or wish.items:
        kind = events.EventKind.SERVICE_ORDER_CHANGE
        changed = named(wish.attributes, now.extra, wish.extra)
        changed += (_items(seen.id),) if wish.items else ()
        return order_moves.tell(connection, p.events, seen.id, kind, at, changed)
    return held


def _items(order: str) -> str:
    return "orderItem" if orders.of_resources(order) else "serviceOrderItem"


def named(
    attributes: Collection[str], then: Mapping[str, Any], now: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """The attributes that an amendment changes, in the words of the APIs: TMF622's are the same."""
    kept = then if now is None else now
    beyond = {name for name in {*then, *kept} if then.get(name) != kept.get(name)}
    return tuple(sorted({*(_NAMES.get(name, name) for name in attributes), *beyond}))


def _set(
    connection: sa.Connection,
    now: views.ServiceOrderView,
    wish: orders.Amendment,
    at: datetime,
) -> None:
    """Its own attributes, and what we do not model."""
    values = dict(wish.attributes)
    strange = next((name for name in values if name not in orders.AMENDABLE), None)
    if strange is not None:
        raise errors.AgentError(f"{strange} of an order cannot be amended")
    _refuse_begun(now, values)
    if wish.extra is not None:
        values["extra"] = dict(wish.extra)
    if not values:
        return
    order_rows.set_order(connection, now.id, **values)
    names = ", ".join(sorted(values))
    note = f"amended by {wish.by!a}: {names}"
    order_rows.note(connection, order=now.id, tenant=now.tenant, at=at, text=note)
    if "requested_start" in values:
        journal.wake(connection, now.id, at)


def _refuse_begun(now: views.ServiceOrderView, values: Mapping[str, Any]) -> None:
    if "requested_start" in values and now.start_date is not None:
        raise errors.OrderRejected(
            f"order {now.id} is {now.state}: it has begun. Put it on hold instead",
            field="requestedStartDate",
            status=409,
            code="illegalState",
        )


def _amend_item(
    connection: sa.Connection,
    p: parts.Parts,
    now: views.ServiceOrderView,
    change: orders.ItemChange,
    by: str,
    at: datetime,
) -> None:
    item = next((one for one in now.items if one.id == change.id), None)
    one = journal.load(connection, item.transaction) if item and item.transaction else None
    if one is None:
        raise errors.OrderRejected(
            f"order {now.id} has no item {ascii(change.id)[:60]} that does something by itself",
            field=_items(now.id),
        )
    amend.replace(connection, p, one, change, by, at)


def _hold(
    connection: sa.Connection, p: parts.Parts, wish: orders.Amendment, at: datetime
) -> views.ServiceOrderView:
    key, tenant = wish.expected.id, wish.expected.tenant
    if wish.hold:
        return holds.hold(connection, p, tenant, key, wish.by, "", at)
    return holds.release(connection, p, tenant, key, wish.by, at)


def refuse_of_product(connection: sa.Connection, order: str) -> None:
    """OrderRejected (409) when a product order became this one: its items are that one's parts."""
    above = product_rows.of_service_order(connection, order)
    if above is not None:
        raise errors.OrderRejected(
            f"order {order} is what product order {above.id} became: amend that one",
            field="serviceOrderItem",
            status=409,
            code="illegalState",
        )
