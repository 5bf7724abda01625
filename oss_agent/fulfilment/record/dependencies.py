"""Which items begin only after others: their rows, what is still missing, and who is let go by an end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import orders, views

_D = tables.dependency.c
_ITEM, _WHOLE, _OF = tables.item.c, tables.order.c, tables.transaction.c
WHOLE = 0
"""The position that stands for all of an order."""
_MINE = sa.and_(
    _D.order_id == sa.bindparam("at_order"),
    _D.position == sa.bindparam("at_position"),
    ~_D.waived,
)
_ITEMS_BEFORE = (
    sa.select(_ITEM.order_id, _ITEM.item_id, _ITEM.state)
    .join(
        tables.dependency,
        sa.and_(_D.on_order == _ITEM.order_id, _D.on_position == _ITEM.position),
    )
    .where(_MINE, _ITEM.state != views.OrderState.COMPLETED)
    # What was taken out of its order is waited for until it is undone, for it may free a port.
    .where(~sa.and_(_ITEM.withdrawn, _ITEM.state == views.OrderState.CANCELLED))
)
_ORDERS_BEFORE = (
    sa.select(_WHOLE.id, sa.null(), _WHOLE.state)
    .join(tables.dependency, _D.on_order == _WHOLE.id)
    .where(_MINE, _D.on_position == WHOLE, _WHOLE.state != views.OrderState.COMPLETED)
)
_BEHIND = sa.select(_D.order_id, _D.position).where(
    _D.on_order == sa.bindparam("at_order"),
    _D.on_position.in_(sa.bindparam("at_positions", expanding=True)),
)
_WAKE = tables.transaction.update().where(
    _OF.order_id == sa.bindparam("at_order"),
    _OF.position == sa.bindparam("at_position"),
    _OF.stage == states.Stage.WAITING,
    # Who is asked for information is let go too: what can never begin needs none. (Several are woken
    # in one statement, where an IN is not allowed.)
    sa.or_(
        _OF.wait_kind == states.WaitKind.DEPENDENCY,
        _OF.wait_kind == states.WaitKind.INFORMATION,
    ),
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that has to be completed first: an item, or (``item`` None) a whole order."""

    order: str
    item: str | None
    state: views.OrderState

    def named(self, order: str) -> str:
        """What it is called in words of order ``order``."""
        if self.item is None:
            return f"order {self.order}"
        return f"item {self.item}" + (f" of order {self.order}" if self.order != order else "")


def insert(connection: sa.Connection, order: str, request: orders.OrderRequest) -> None:
    """Store what an order's items come after. OrderRejected for what does not exist."""
    _require_orders(connection, order, request)
    places = _places(connection, order, request)
    position = {item.id: number for number, item in enumerate(request.items, start=1)}
    rows = [
        {
            "tenant": request.tenant,
            "order_id": order,
            "position": position[item.id],
            "on_order": on_order,
            "on_position": on_position,
        }
        for item in request.items
        for on_order, on_position in (
            *((order, position[before]) for before in item.after),
            *((other[0], places[other]) for other in item.after_others),
            *((other, WHOLE) for other in request.after),
        )
    ]
    if rows:
        connection.execute(tables.dependency.insert(), rows)


def within(connection: sa.Connection, order: str) -> frozenset[tuple[int, int]]:
    """Which items of an order come after which others of it, by positions."""
    asked = sa.select(_D.position, _D.on_position).where(_D.order_id == order, _D.on_order == order)
    return frozenset((row.position, row.on_position) for row in connection.execute(asked))


def add(
    connection: sa.Connection, order: str, tenant: str, pairs: Collection[tuple[int, int]]
) -> None:
    """Let items of an order come after others of it, by positions; it did not have these ``pairs``."""
    rows = [
        {
            "tenant": tenant,
            "order_id": order,
            "position": position,
            "on_order": order,
            "on_position": before,
        }
        for position, before in sorted(pairs)
    ]
    if rows:
        connection.execute(tables.dependency.insert(), rows)


def _places(
    connection: sa.Connection, order: str, request: orders.OrderRequest
) -> Mapping[tuple[str, str], int]:
    """The positions of the items of other orders that are named, by order and item id."""
    named = {other for item in request.items for other in item.after_others}
    if not named:
        return {}
    c = tables.item.c
    # the order itself is stored already, and its number could be guessed
    mine = (c.tenant == request.tenant, c.order_id != order)
    asked = sa.select(c.order_id, c.item_id, c.position).where(
        *mine, sa.tuple_(c.order_id, c.item_id).in_(named)
    )
    found = {(row.order_id, row.item_id): row.position for row in connection.execute(asked)}
    for item in request.items:
        for other in item.after_others:
            if other not in found:
                raise _no_item(item, other)
    return found


def _no_item(item: orders.ItemRequest, other: tuple[str, str]) -> errors.OrderRejected:
    order, name = (ascii(word)[:40] for word in other)
    return errors.OrderRejected(
        f"there is no item {name} of an order {order} to come after",
        field=item.relationship,
        code="unknownOrder",
    )


def _require_orders(connection: sa.Connection, order: str, request: orders.OrderRequest) -> None:
    if not request.after:
        return
    of = tables.order.c
    asked = sa.select(of.id).where(
        of.tenant == request.tenant, of.id.in_(request.after), of.id != order
    )
    known = set(connection.execute(asked).scalars())
    for place, other in enumerate(request.after):
        if other not in known:
            raise errors.OrderRejected(
                f"there is no order {ascii(other)[:40]} to come after",
                field=f"orderRelationship[{place}].id",
                code="unknownOrder",
            )


def missing(connection: sa.Connection, order: str, position: int) -> tuple[Missing, ...]:
    """What of all that it comes after is not completed; what can never be comes first."""
    mine = {"at_order": order, "at_position": position}
    found = [
        Missing(row[0], row[1], views.OrderState(row[2]))
        for asked in (_ITEMS_BEFORE, _ORDERS_BEFORE)
        for row in connection.execute(asked, mine)
    ]
    return tuple(sorted(found, key=lambda one: (not one.state.final, one.order, one.item or "")))


def waive(connection: sa.Connection, order: str, position: int) -> None:
    """Whatever comes after this item goes on without it, as if it were completed."""
    after = sa.and_(_D.on_order == order, _D.on_position == position)
    connection.execute(tables.dependency.update().where(after).values(waived=True))


def wake(connection: sa.Connection, order: str, positions: Sequence[int], at: datetime) -> None:
    """Let whoever comes after these items (``WHOLE``: after the order) look now."""
    asked = {"at_order": order, "at_positions": positions}
    asleep = [
        {"at_order": row.order_id, "at_position": row.position, "wake_at": at}
        for row in connection.execute(_BEHIND, asked)
    ]
    if asleep:
        connection.execute(_WAKE, asleep)
