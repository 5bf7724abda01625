"""Monitors (TMF640): a service order of one item, as whoever asked for it by TMF640 watches it.

There are no rows of monitors: the order is the truth, and its surface says that it is watched so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.fulfilment.record import announce, order_views, tables
from oss_agent.spi import events, orders, query, store, views

_O = tables.order.c
_I = tables.item.c
_FAILED: Final = (
    views.OrderState.REJECTED,
    views.OrderState.CANCELLED,
    views.OrderState.FAILED,
    views.OrderState.PARTIAL,
)
_ROWS: Final = (
    sa.select(tables.order)
    .join(tables.item, sa.and_(_I.order_id == _O.id, _I.position == 1))
    .where(_O.surface == orders.ACTIVATION)
)
"""One row an order, whatever else was added to it."""


def begin(
    connection: sa.Connection,
    sink: events.EventSink,
    view: views.ServiceOrderView,
    surface: str | None,
    at: datetime,
) -> None:
    """Tell that there is a monitor, when the order has one."""
    _tell(connection, sink, events.EventKind.MONITOR_CREATE, view, surface, at)


def follow(
    connection: sa.Connection,
    sink: events.EventSink,
    view: views.ServiceOrderView,
    surface: str | None,
    at: datetime,
) -> None:
    """Tell a monitor's one change of state: its order has ended."""
    if view.state.final:
        _tell(connection, sink, events.EventKind.MONITOR_STATE, view, surface, at)


def _tell(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceOrderView,
    surface: str | None,
    at: datetime,
) -> None:
    if surface == orders.ACTIVATION:
        announce.tell(connection, sink, kind, view, at, entity="monitor", mark=kind)


class Monitors:
    """Orders that have a monitor: ``spi.query.Port``, by the names of TMF640."""

    def __init__(self, rows: store.Store) -> None:
        self._rows = rows

    async def find(self, asked: query.Query) -> query.Page[views.ServiceOrderView]:
        """Orders whose monitors match. OrderRejected (400)."""

        def unit(connection: sa.Connection) -> query.Page[views.ServiceOrderView]:
            found, total = _selection().page(connection, asked)
            keys = [row.id for row in found]
            rows = connection.execute(tables.order.select().where(_O.id.in_(keys))).all()
            shown = order_views.views_of(connection, rows)
            return query.Page(tuple(sorted(shown, key=lambda one: keys.index(one.id))), total)

        return await self._rows.read(unit)

    async def get(self, tenant: str, key: str) -> views.ServiceOrderView:
        """One order with a monitor; NotFound, also for an order without one."""
        mine = _ROWS.where(_O.tenant == tenant, _O.id == key)

        def unit(connection: sa.Connection) -> views.ServiceOrderView | None:
            there = connection.execute(mine).first() is not None
            return order_views.view(connection, key, tenant) if there else None

        found = await self._rows.read(unit)
        if found is None:
            raise errors.NotFound(f"monitor {ascii(key)[:40]}")
        return found


def _selection() -> selecting.Selection:
    state = sa.case(
        (_O.state == views.OrderState.COMPLETED, "Completed"),
        (_O.state.in_(_FAILED), "InError"),
        else_="InProgress",
    )
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": _O.id,
        "state": state,
        "sourceHref": _I.service_id,
    }
    attributes = {path: selecting.Attribute(column) for path, column in text.items()}
    return selecting.Selection(_ROWS, _O.tenant, attributes, _O.number)
