"""Reading resource orders: ``spi.query.Port[ResourceOrderView]``, by the names of TMF652.

Nothing is created here: a resource order is what a service order does to one device.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.fulfilment.record import tables
from oss_agent.spi import query, store, views
from oss_agent.spi.resource_orders import ResourceOrderView

_O = tables.resource_order.c
_I = tables.resource_item.c
_ROWS: Final = sa.select(
    tables.resource_order, _I.device, _I.rfs, _I.action, _I.state.label("item_state")
).join(tables.resource_item, _I.resource_order_id == _O.id)
"""One row an order: each has exactly one item."""


class ResourceOrders:
    """The rows, to those who only look."""

    def __init__(self, rows: store.Store) -> None:
        self._rows = rows

    async def find(self, asked: query.Query) -> query.Page[ResourceOrderView]:
        """Resource orders that match. OrderRejected (400)."""
        return await self._rows.read(lambda c: _find(c, asked))

    async def get(self, tenant: str, key: str) -> ResourceOrderView:
        """One resource order; NotFound, also for another tenant's."""
        one = _ROWS.where(_O.tenant == tenant, _O.id == key)
        row = await self._rows.read(lambda c: c.execute(one).mappings().first())
        if row is None:
            raise errors.NotFound(f"resourceOrder {ascii(key)[:40]}")
        return _view(row)


def _find(connection: sa.Connection, asked: query.Query) -> query.Page[ResourceOrderView]:
    found, total = _selection().page(connection, asked)
    return query.Page(tuple(map(_view, found.mappings())), total)


def _selection() -> selecting.Selection:
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": _O.id,
        "state": _O.state,
        "name": _I.rfs + " on " + _I.device,
        "externalReference.id": _O.order_id,
        "orderItem.action": _I.action,
        "orderItem.state": _I.state,
        "orderItem.resource.id": _I.device,
        "orderItem.resource.name": _I.device,
    }
    times: dict[str, sa.ColumnElement[Any]] = {
        "orderDate": _O.order_date,
        "completionDate": _O.completion_date,
    }
    attributes = selecting.texts(text) | selecting.moments(times)
    return selecting.Selection(_ROWS, _O.tenant, attributes, _O.number)


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
