"""Orders as views: rows of orders, items, waits, evidence and resource orders, joined."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import codec, evidence_rows, tables
from oss_agent.spi import clock, orders, views

_ITEM, _OF = tables.item.c, tables.transaction.c
_RESOURCE = tables.resource_order.c
_ORDER = tables.order.select().where(tables.order.c.id == sa.bindparam("at_order"))
_ITEMS = (
    sa.select(
        tables.item,
        _OF.id.label("transaction"),
        _OF.attempt,
        _OF.wait_reason,
        _OF.wait_since,
        _OF.wake_at,
        _OF.wait_who,
    )
    .join(
        tables.transaction,
        sa.and_(_OF.order_id == _ITEM.order_id, _OF.position == _ITEM.position),
    )
    .where(_ITEM.order_id.in_(sa.bindparam("orders", expanding=True)))
    .order_by(_ITEM.order_id, _ITEM.position)
)
_TRANSACTIONS: sa.BindParameter[str] = sa.bindparam("transactions", expanding=True)
_RESOURCES = (
    sa.select(_RESOURCE.id, _RESOURCE.transaction_id)
    .where(_RESOURCE.transaction_id.in_(_TRANSACTIONS))
    .order_by(_RESOURCE.number)
)
"""Made once: to build a statement costs several times as much as to run it."""


def view(
    connection: sa.Connection, order: str, tenant: str | None = None
) -> views.ServiceOrderView | None:
    """An order as TMF641 shows it; None when it is absent or, with ``tenant``, another's."""
    rows = connection.execute(_ORDER, {"at_order": order}).all()
    found = views_of(connection, [row for row in rows if tenant in {None, row.tenant}])
    return found[0] if found else None


def views_of(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]]
) -> tuple[views.ServiceOrderView, ...]:
    """Rows of ``ord_order`` as views, in the same order; a fixed number of statements."""
    ids = [row.id for row in rows]
    items = _items(connection, ids)
    return tuple(_view(row, tuple(items.get(row.id, ()))) for row in rows)


_NULLS = dict.fromkeys(tables.order.c.keys() + tables.item.c.keys())
_NO_WAIT = dict.fromkeys(("wait_reason", "wait_since", "wake_at", "wait_who"))


def of_new(order: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> views.ServiceOrderView:
    """What ``view`` would show of an order that was just written, by its rows: they are known.

    Columns by name, items by position, each with its transaction's first attempt.
    """
    shown: list[views.OrderItemView] = []
    for one in items:
        begun = {"transaction": f"{one['order_id']}-{one['position']}", "attempt": 1}
        row = _kept({**_NULLS, **_NO_WAIT, **one, **begun})
        parent = None if row.parent is None else shown[row.parent - 1].id
        shown.append(_item(row, parent, (), ()))
    return _view(_kept({**_NULLS, **order}), tuple(shown))


def _kept(row: Mapping[str, Any]) -> Any:
    """A row as it is read again: moments in milliseconds, JSON in its plain types."""
    plain = {
        name: value if value is None or isinstance(value, str | int) else _read_again(value)
        for name, value in row.items()
    }
    return types.SimpleNamespace(**plain)


def _read_again(value: Any) -> Any:
    if isinstance(value, datetime):
        return datetime.fromisoformat(clock.rfc3339(value.astimezone(UTC)))
    return views.as_json(value)


def _view(row: sa.Row[Any], items: tuple[views.OrderItemView, ...]) -> views.ServiceOrderView:
    return views.ServiceOrderView(
        id=row.id,
        tenant=row.tenant,
        state=views.OrderState(row.state),
        order_date=row.order_date,
        requester=row.requester,
        items=items,
        external_id=row.external_id,
        description=row.description,
        category=row.category,
        priority=row.priority,
        requested_start=row.requested_start,
        requested_completion=row.requested_completion,
        start_date=row.start_date,
        completion_date=row.completion_date,
        error=codec.error_from_json(row.error),
        extra=row.extra,
        cancellation_date=row.cancellation_date,
        cancellation_reason=row.cancellation_reason,
        expected_completion=row.expected_completion,
        jeopardy=tuple(codec.jeopardy_from_json(one) for one in row.jeopardy),
        adoption=row.surface == orders.ADOPTION,
    )


def _items(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[views.OrderItemView]]:
    rows = connection.execute(_ITEMS, {"orders": ids}).all()
    transactions = [row.transaction for row in rows]
    evidence = evidence_rows.own(connection, transactions)
    resources = _resource_orders(connection, transactions)
    found: dict[str, list[views.OrderItemView]] = {}
    for row in rows:
        before = found.setdefault(row.order_id, [])
        shown = _item(
            row,
            None if row.parent is None else before[row.parent - 1].id,
            evidence.get((row.transaction, row.attempt), ()),
            _seen(row.order_id, resources.get(row.transaction, ())),
        )
        before.append(shown)
    return found


def _seen(order: str, resource_orders: Sequence[str]) -> tuple[str, ...]:
    """The resource orders that an item became; one that is of resources itself is its own."""
    return () if orders.of_resources(order) else tuple(resource_orders)


def _item(
    row: sa.Row[Any],
    parent: str | None,
    evidence: tuple[views.EvidenceView, ...],
    resource_orders: tuple[str, ...],
) -> views.OrderItemView:
    wait = None
    if row.wait_reason is not None:
        wait = views.WaitView(row.wait_reason, row.wait_since, row.wake_at, row.wait_who)
    return views.OrderItemView(
        id=row.item_id,
        action=views.ItemAction(row.action),
        state=views.OrderState(row.state),
        specification=views.SpecificationRef(
            row.specification_id, row.specification_version, row.specification_name
        ),
        service_id=row.service_id,
        service_name=row.service_name,
        characteristics=row.characteristics,
        error=codec.error_from_json(row.error),
        wait=wait,
        transaction=row.transaction,
        resource_orders=resource_orders,
        milestones=tuple((name, datetime.fromisoformat(at)) for name, at in row.milestones),
        evidence=evidence,
        extra=row.extra,
        service_state=codec.service_state(row.service_state),
        parent=parent,
    )


def _resource_orders(
    connection: sa.Connection, transactions: Sequence[str]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in connection.execute(_RESOURCES, {"transactions": transactions}):
        found.setdefault(row.transaction_id, []).append(row.id)
    return found
