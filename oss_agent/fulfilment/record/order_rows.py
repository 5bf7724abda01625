"""Writing the rows of orders, their items and their history; ``order_views`` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment.record import codec, plain, tables
from oss_agent.spi import orders, views

_ROLLED_BACK = "rolledBack"
"""``milestones.Milestone.ROLLED_BACK``, which stands on the views of these rows."""
_ITEM, _COUNTER = tables.item.c, tables.counter.c
_THE_ORDER = tables.order.c.id == sa.bindparam("at_order")
_ITEMS = _ITEM.order_id == sa.bindparam("at_order")
_THE_ITEM = sa.and_(_ITEMS, _ITEM.position == sa.bindparam("at_position"))
_INSERT_ORDER = inserting.Insert(tables.order)
_INSERT_ITEM = inserting.Insert(tables.item)
_INSERT_NOTE = inserting.Insert(tables.history)
_RAISE = (
    tables.counter.update()
    .where(_COUNTER.name == sa.bindparam("at_name"))
    .values(value=_COUNTER.value + 1)
    .returning(_COUNTER.value)
)
_RAISE_BOTH = (
    tables.counter.update()
    .where(_COUNTER.name.in_(["order", "transaction"]))
    .values(
        value=_COUNTER.value
        + sa.case((_COUNTER.name == "order", 1), else_=sa.bindparam("items", type_=sa.Integer))
    )
    .returning(_COUNTER.name, _COUNTER.value)
)
_ROW_OF = tables.order.select().where(_THE_ORDER)
_REQUEST_OF = tables.item.select().where(_THE_ITEM)
_SET_ORDER = tables.order.update().where(_THE_ORDER)
_SET_ITEM = tables.item.update().where(_THE_ITEM)
_STATES = sa.select(_ITEM.state).where(_ITEMS).order_by(_ITEM.position)
_WORKING_STATES = (
    sa.select(_ITEM.state, _ITEM.milestones)
    .where(_ITEMS, _ITEM.action != views.ItemAction.NO_CHANGE)
    .where(~sa.and_(_ITEM.withdrawn, _ITEM.state == views.OrderState.CANCELLED))
    .order_by(_ITEM.position)
)
_WHOLE_ITEMS = tables.item.select().where(_ITEMS).order_by(_ITEM.position)
"""Made once: to build a statement costs several times as much as to run it."""


def next_number(connection: sa.Connection, name: str) -> int:
    """The next number of its kind, from 1; rolled back with the unit, so there are no gaps."""
    raised = connection.execute(_RAISE, {"at_name": name}).scalar_one_or_none()
    if raised is not None:
        return int(raised)
    return _first(connection, name, 1)


def _first(connection: sa.Connection, name: str, value: int) -> int:
    connection.execute(tables.counter.insert(), {"name": name, "tenant": "*", "value": value})
    return value


@dataclass(frozen=True, slots=True)
class Numbers:
    """The number of a new order, and of the first of its items' transactions."""

    order: int
    transaction: int

    def key(self, request: orders.OrderRequest) -> str:
        """The order's id: it tells whether it is of resources by themselves."""
        return f"{orders.OF_RESOURCES if request.resources else ''}{self.order}"


def numbers(connection: sa.Connection, items: int) -> Numbers:
    """Those of a new order with so many items, as ``next_number`` gives them, in one statement."""
    raised = {row.name: row.value for row in connection.execute(_RAISE_BOTH, {"items": items})}
    order = raised.get("order") or _first(connection, "order", 1)
    last = raised.get("transaction") or _first(connection, "transaction", items)
    return Numbers(order, last - items + 1)


@dataclass(frozen=True, slots=True)
class Written:
    """A new order as its rows: columns by name, its items by position."""

    order: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]


def insert(
    connection: sa.Connection,
    request: orders.OrderRequest,
    numbers: Numbers,
    specifications: Sequence[views.SpecificationRef],
    at: datetime,
    promised: Mapping[str, Any],
) -> Written:
    """Store an order with its items and what is promised (columns by name)."""
    key = numbers.key(request)
    row = {
        "id": key,
        "number": numbers.order,
        "tenant": request.tenant,
        "requester": request.requester,
        "external_id": request.external_id,
        "idempotency_key": request.idempotency_key,
        "body_digest": request.body_digest,
        "state": views.OrderState.ACKNOWLEDGED,
        "description": request.description,
        "category": request.category,
        "priority": request.priority,
        "requested_start": request.requested_start,
        "requested_completion": request.requested_completion,
        "order_date": at,
        "cancel_requested": False,
        "jeopardy": [],
        "fallout": request.fallout,
        "extra": dict(request.extra),
        "surface": request.surface,
        **promised,
    }
    _INSERT_ORDER.one(connection, row)
    place = {item.id: position for position, item in enumerate(request.items, start=1)}
    items = [
        _item_row(key, place, request.tenant, item, specification)
        for item, specification in zip(request.items, specifications, strict=True)
    ]
    _INSERT_ITEM.several(connection, items)
    return Written(row, items)


def append(
    connection: sa.Connection,
    order: str,
    tenant: str,
    items: Sequence[orders.ItemRequest],
    specifications: Sequence[views.SpecificationRef],
) -> Mapping[str, int]:
    """Store more items of an order, behind those that it has; their positions, by their ids."""
    last = len(item_states(connection, order))
    place = {item.id: position for position, item in enumerate(items, start=last + 1)}
    pairs = zip(items, specifications, strict=True)
    _INSERT_ITEM.several(connection, [_item_row(order, place, tenant, *pair) for pair in pairs])
    return place


def _item_row(
    order: str,
    place: Mapping[str, int],
    tenant: str,
    item: orders.ItemRequest,
    specification: views.SpecificationRef,
) -> dict[str, Any]:
    context = item.action is views.ItemAction.NO_CHANGE
    position = place[item.id]
    return {
        "order_id": order,
        "position": position,
        "tenant": tenant,
        "item_id": item.id,
        "action": item.action,
        "state": views.OrderState.COMPLETED if context else views.OrderState.ACKNOWLEDGED,
        "specification_id": specification.id,
        "specification_version": specification.version,
        "specification_name": specification.name,
        "service_id": item.service_id or orders.made_by(order, position),
        "service_name": item.service_name or "",
        "characteristics": dict(item.characteristics),
        "milestones": [],
        "extra": dict(item.extra),
        "path": item.path,
        "service_state": item.service_state,
        "claims": dict(item.claims) or None,
        "parent": None if item.parent is None else place[item.parent],
    }


def request_of(connection: sa.Connection, order: str, position: int) -> orders.ItemRequest:
    """An item as it was asked for, with the service id it was given."""
    row = connection.execute(_REQUEST_OF, _item(order, position)).one()
    return orders.ItemRequest(
        id=row.item_id,
        action=views.ItemAction(row.action),
        specification=row.specification_id,
        specification_version=row.specification_version,
        service_id=row.service_id,
        service_name=row.service_name or None,
        characteristics=row.characteristics,
        path=row.path,
        extra=row.extra,
        service_state=codec.service_state(row.service_state),
        resource=orders.of_resources(order),
        claims=row.claims or {},
    )


def row_of(connection: sa.Connection, order: str) -> sa.Row[Any]:
    """The order's own row; it exists."""
    return connection.execute(_ROW_OF, {"at_order": order}).one()


def set_item(connection: sa.Connection, order: str, position: int, **values: Any) -> None:
    """Change columns of an item; an ``error`` is given as a view."""
    connection.execute(_SET_ITEM, _item(order, position) | _jsonable(values))


def set_order(connection: sa.Connection, order: str, **values: Any) -> None:
    """Change columns of an order; an ``error`` is given as a view."""
    connection.execute(_SET_ORDER, {"at_order": order} | _jsonable(values))


def _item(order: str, position: int) -> dict[str, Any]:
    return {"at_order": order, "at_position": position}


def _jsonable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: views.as_json(value) if isinstance(value, views.ErrorView) else value
        for name, value in values.items()
    }


def item_states(connection: sa.Connection, order: str) -> tuple[views.OrderState, ...]:
    """The states of all items, by position."""
    rows = connection.execute(_STATES, {"at_order": order})
    return tuple(views.OrderState(row.state) for row in rows)


def working_states(connection: sa.Connection, order: str) -> tuple[views.OrderState, ...]:
    """The same as they count for their order: context says nothing of how far one has come.

    What was completed and is undone again counts as failed; the item itself stays completed. What
    was taken out of the order counts until it is undone, and then no more.
    """
    rows = connection.execute(_WORKING_STATES, {"at_order": order})
    return tuple(_counts_as(views.OrderState(row.state), row.milestones) for row in rows)


def _counts_as(state: views.OrderState, milestones: Sequence[Sequence[str]]) -> views.OrderState:
    undone = state is views.OrderState.COMPLETED and is_undone(milestones)
    return views.OrderState.FAILED if undone else state


def is_undone(milestones: Sequence[Sequence[str]]) -> bool:
    """Was an item with these milestones undone again?"""
    return any(name == _ROLLED_BACK for name, _ in milestones)


def endings(connection: sa.Connection, order: str) -> tuple[str, ...]:
    """How each item ended, as sentences, by position."""
    rows = connection.execute(_WHOLE_ITEMS, {"at_order": order})
    return tuple(
        f"item {row.item_id} {row.state}: {(row.error or {}).get('message', '')}".rstrip(": ")
        for row in rows
    )


def note(
    connection: sa.Connection,
    *,
    order: str,
    tenant: str,
    at: datetime,
    text: str,
    transaction: str | None = None,
) -> None:
    """Append a sentence to the order's history; nothing ever changes one."""
    row = {
        "tenant": tenant,
        "order_id": order,
        "transaction_id": transaction,
        "at": at,
        "text": plain.line(text),
    }
    _INSERT_NOTE.one(connection, row)
