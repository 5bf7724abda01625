"""Reading resource orders by the names of TMF652.

They are what service orders do to one device each, and those that an operator sent (``ro17``), which
are orders of ours like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.fulfilment.record import order_views, tables
from oss_agent.spi import orders, query, store, views
from oss_agent.spi.resource_orders import AnyResourceOrder, ResourceOrderView

_O, _I = tables.resource_order.c, tables.resource_item.c
_W, _J = tables.order.c, tables.item.c
_CHANGES: Final = (
    sa.select(tables.resource_order, _I.device, _I.rfs, _I.action, _I.state.label("item_state"))
    .join(tables.resource_item, _I.resource_order_id == _O.id)
    # What an operator ordered is its own: the device change of it is nothing beside it.
    .where(~_O.order_id.startswith(orders.OF_RESOURCES))
)
"""One row a device change: each has exactly one item."""
_SENT: Final = tables.order.select().where(_W.id.startswith(orders.OF_RESOURCES))


class ResourceOrders:
    """The rows, to those who only look."""

    def __init__(self, rows: store.Store) -> None:
        self._rows = rows

    async def find(self, asked: query.Query) -> query.Page[AnyResourceOrder]:
        """Resource orders that match. OrderRejected (400)."""
        return await self._rows.read(lambda c: _find(c, asked))

    async def get(self, tenant: str, key: str) -> AnyResourceOrder:
        """One resource order; NotFound, also for another tenant's."""
        found = await self._rows.read(lambda c: _get(c, tenant, key))
        if found is None:
            raise errors.NotFound(f"resourceOrder {ascii(key)[:40]}")
        return found


def _get(connection: sa.Connection, tenant: str, key: str) -> AnyResourceOrder | None:
    if orders.of_resources(key):
        return order_views.view(connection, key, tenant)
    row = connection.execute(_CHANGES.where(_O.tenant == tenant, _O.id == key)).mappings().first()
    return None if row is None else _view(row)


def _find(connection: sa.Connection, asked: query.Query) -> query.Page[AnyResourceOrder]:
    found, total = _selection().page(connection, asked)
    keys = [row.id for row in found]
    every: tuple[AnyResourceOrder, ...] = (*_sent(connection, keys), *_changes(connection, keys))
    known = {one.id: one for one in every}
    return query.Page(tuple(known[key] for key in keys), total)


def _sent(connection: sa.Connection, keys: Sequence[str]) -> tuple[views.ServiceOrderView, ...]:
    rows = connection.execute(_SENT.where(_W.id.in_(keys))).all()
    return order_views.views_of(connection, rows)


def _changes(connection: sa.Connection, keys: Sequence[str]) -> tuple[ResourceOrderView, ...]:
    return tuple(map(_view, connection.execute(_CHANGES.where(_O.id.in_(keys))).mappings()))


def _selection() -> selecting.Selection:
    """Both kinds, under the names of TMF652."""
    both = _both()
    c = both.c
    text: dict[str, sa.ColumnElement[Any]] = {
        "state": c.state,
        "name": c.name,
        "externalId": c.external_id,
        "externalReference.id": c.of,
    }
    times: dict[str, sa.ColumnElement[Any]] = {
        "orderDate": c.order_date,
        "completionDate": c.completion_date,
        "expectedCompletionDate": c.expected_completion,
    }
    # Ids are numbers written as text: 10 comes after 9.
    ids = {"id": selecting.Attribute(c.id, sorted_by=c.number)}
    attributes = ids | selecting.texts(text) | selecting.moments(times)
    return selecting.Selection(sa.select(both), c.tenant, attributes, c.number, _of_items(c.id))


def _both() -> sa.Subquery:
    """Both kinds as rows of one shape: what only one of them has is NULL in the other.

    Each kind counts for itself: even and odd, their numbers differ, and pages never overlap.
    """
    no_text, no_time = sa.cast(sa.null(), sa.String), sa.cast(sa.null(), tables.Moment())
    changes = _CHANGES.with_only_columns(
        _O.id,
        _O.tenant,
        (2 * _O.number).label("number"),
        _O.state,
        (_I.rfs + " on " + _I.device).label("name"),
        _O.order_id.label("of"),
        no_text.label("external_id"),
        _O.order_date,
        _O.completion_date,
        no_time.label("expected_completion"),
    )
    sent = _SENT.with_only_columns(
        _W.id,
        _W.tenant,
        2 * _W.number + 1,
        _W.state,
        no_text,
        no_text,
        _W.external_id,
        _W.order_date,
        _W.completion_date,
        _W.expected_completion,
    )
    return sa.union_all(changes, sent).subquery("resource_order")


def _of_items(order: sa.ColumnElement[str]) -> dict[str, selecting.Member]:
    """Attributes of the items of either kind, by the names of TMF652."""
    changed = sa.select(
        _I.resource_order_id.label("of"),
        _I.action,
        _I.state,
        _I.device.label("id"),
        _I.device.label("name"),
    )
    sent = sa.select(_J.order_id, _J.action, _J.state, _J.service_id, _J.service_name)
    items = sa.union_all(changed, sent).subquery("order_item")
    columns = {
        "orderItem.action": items.c.action,
        "orderItem.state": items.c.state,
        "orderItem.resource.id": items.c.id,
        "orderItem.resource.name": items.c.name,
    }

    def some(meets: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.select(items.c.of).where(items.c.of == order, meets).exists()

    return {path: selecting.Member(one, some) for path, one in selecting.texts(columns).items()}


def _view(row: sa.RowMapping) -> ResourceOrderView:
    return ResourceOrderView(
        id=row["id"],
        tenant=row["tenant"],
        order=row["order_id"],
        transaction=row["transaction_id"],
        state=views.OrderState(row["state"]),
        order_date=row["order_date"],
        completion_date=row["completion_date"],
        device=row["device"],
        rfs=row["rfs"],
        action=views.ItemAction(row["action"]),
        item_state=views.OrderState(row["item_state"]),
    )
