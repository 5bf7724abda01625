"""Makes a service order fit a product order item that asks for other services, inside one unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import amend, joining, product_difference, withdrawal
from oss_agent.fulfilment.record import (
    dependencies,
    journal,
    order_views,
    product_rows,
    states,
)
from oss_agent.spi import catalogue, orders, product_orders, views


@dataclass(frozen=True, slots=True)
class Item:
    """An item that is changed: its row, what it comes to now, and that beside the parts it had."""

    row: sa.Row[Any]
    design: catalogue.ProductDesign
    difference: product_difference.Difference


def bring_in(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    one: Item,
    at: datetime,
) -> None:
    """The new parts as items of the service order, what comes after what, and whose they are."""
    if one.difference.same_services:
        return
    new = _join(connection, p, seen, one.difference.new, at)
    places = {wanted.part: part.position for wanted, part in one.difference.stays} | new
    _put_in_turn(connection, p, seen, one, places, at)
    words = {str(places[part.part]): dict(part.words) for part in one.design.parts}
    product_rows.set_item_columns(
        connection,
        seen.id,
        one.row.position,
        {"parts": [*one.row.parts, *map(list, new.items())], "words": {**one.row.words, **words}},
    )
    _link(connection, p, seen, one, new, at)


def take_out(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    one: Item,
    by: str,
    at: datetime,
) -> None:
    """What it does without. OrderRejected (409) where nothing leads back any more."""
    for part in one.difference.goes:
        mine = _transaction(connection, seen.service_order, part.position)
        withdrawal.withdraw(connection, p, mine, by, at)


def _join(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    new: Sequence[catalogue.ServicePart],
    at: datetime,
) -> dict[str, int]:
    """The positions of new parts, by their names."""
    below = order_views.view(connection, seen.service_order)
    if below is None:
        raise errors.AgentError(f"service order {seen.service_order} is not there")
    taken = [item.id for item in below.items]
    named = {part.part: _named(part.item, taken) for part in new}
    places = joining.join(connection, p, below, list(named.values()), at)
    return {part: places[item.id] for part, item in named.items()}


def _named(item: orders.ItemRequest, taken: Sequence[str]) -> orders.ItemRequest:
    return dataclasses.replace(item, id=joining.free_id(taken, item.id))


def _put_in_turn(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    one: Item,
    places: Mapping[str, int],
    at: datetime,
) -> None:
    order, before = seen.service_order, [position for _, position in one.row.parts]
    there = dependencies.within(connection, order)
    lacking = product_difference.sequence(one.design.parts, places, before, there)
    dependencies.add(connection, order, seen.tenant, lacking)
    for position in sorted({late for late, _ in lacking}):
        amend.give_way(connection, p, _transaction(connection, order, position), at)


def _transaction(connection: sa.Connection, order: str, position: int) -> states.Transaction:
    name = journal.named(order, position)
    found = journal.load(connection, name)
    if found is None:
        raise errors.AgentError(f"there is no transaction {name}")
    return found


def _link(
    connection: sa.Connection,
    p: parts.Parts,
    seen: product_orders.ProductOrderView,
    one: Item,
    new: Mapping[str, int],
    at: datetime,
) -> None:
    """A service that is new realizes its part from now on, also in the place of one that goes."""
    now = product_rows.service_items(connection, seen.service_order)
    for part, position in new.items():
        if now[position].action is views.ItemAction.ADD:
            p.ledger.link_service(
                connection,
                product=one.row.product_id,
                part=part,
                service=now[position].service,
                at=at,
            )
