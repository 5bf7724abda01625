"""Says what an item has still to be told in the words of whoever ordered it: a product's, if it is a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment.record import product_moves, product_rows
from oss_agent.spi import clock, events, orders


@dataclass(frozen=True, slots=True)
class Asked:
    """Which order and item of the sender's lack which characteristics, and where these would stand.

    ``missing`` are they by the service's own names. ``place`` is the position of the product order
    item; None: a service order was sent.
    """

    order: str
    item: str
    missing: tuple[str, ...]
    names: tuple[str, ...]
    paths: tuple[str, ...]
    place: int | None = None

    @property
    def sentence(self) -> str:
        """``zEnd, vni``."""
        return ", ".join(self.names)

    def paths_below(self, position: int) -> tuple[str, ...]:
        """Where they would stand in the service order, whose item is at ``position``."""
        if self.place is None:
            return self.paths
        said = f"serviceOrderItem[{position - 1}].service.serviceCharacteristic"
        return tuple(f"{said}[{name}]" for name in self.missing)


def asked(
    connection: sa.Connection,
    order: str,
    position: int,
    item: orders.ItemRequest,
    missing: tuple[str, ...],
) -> Asked:
    """What ``missing`` of a service order's item is called by who can say it."""
    above = product_rows.item_at(connection, order, position)
    if above is None:
        said = f"{item.path}.service.serviceCharacteristic"
        paths = tuple(f"{said}[{name}]" for name in missing)
        return Asked(order, item.id, missing, missing, paths)
    words = above.words.get(str(position), {})
    # What no characteristic of the product says, the product itself had to fix: named as it is.
    names = tuple(dict.fromkeys(words.get(name, f"{item.id}: {name}") for name in missing))
    said = f"{above.path}.product.productCharacteristic"
    paths = tuple(f"{said}[{name}]" for name in names)
    return Asked(above.product_order_id, above.item_id, missing, names, paths, above.position)


def store(
    connection: sa.Connection, what: Asked, position: int, since: datetime, until: datetime
) -> None:
    """Let the product order show what the service order's item at ``position`` waits for."""
    if what.place is None:
        return
    rows = product_rows.items_of(connection, what.order)
    needs = dict(next(row.needs for row in rows if row.position == what.place))
    needs[str(position)] = {
        "names": list(what.names),
        "since": clock.rfc3339(since),
        "until": clock.rfc3339(until),
    }
    product_rows.set_item_columns(connection, what.order, what.place, {"needs": needs})


def tell(connection: sa.Connection, sink: events.EventSink, what: Asked, at: datetime) -> None:
    """Ask the sender of a product order."""
    if what.place is not None:
        kind = events.EventKind.PRODUCT_ORDER_INFORMATION
        product_moves.tell(connection, sink, kind, what.order, at, what.paths)
