"""Who and what is around a plan: other services on the same nodes and devices, and how long it took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import plan
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import ledger, views
from oss_agent.spi.tree import path_text

_REMEMBERED = 20
"""Changes that an expectation is taken from: enough for a median, recent enough to be true."""


def neighbours(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    service: str,
    changes: Sequence[plan.Change],
) -> tuple[views.NeighbourView, ...]:
    """Other services on the devices that change, with the nodes that they share with this one.

    Of other tenants' services only the nodes are told, and that they are there.
    """
    found: list[views.NeighbourView] = []
    shared = _shared(changes)
    for name in plan.devices(changes):
        there = {one.service: one for one in p.ledger.on_device(connection, name)}
        beside = {who for where, who in shared if where == name}
        found.extend(
            _view(name, other, there.get(other), shared.get((name, other), ()), tenant)
            for other in sorted({*there, *beside} - {service})
        )
    return tuple(found)


def _shared(changes: Sequence[plan.Change]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Paths by device and other service, over all stores."""
    paths: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in changes:
        mine = {*tree.nodes(one.own), *tree.nodes(one.intent.was)}
        for other, held in one.intent.others.items():
            key = (one.intent.device, other)
            both = (path_text(path) for path in tree.nodes(held) if path in mine)
            paths[key] = (*paths.get(key, ()), *both)
    return paths


def _view(
    device: str,
    service: str,
    known: ledger.Affected | None,
    paths: Sequence[str],
    tenant: str,
) -> views.NeighbourView:
    mine = known is not None and known.tenant == tenant
    return views.NeighbourView(
        device=device,
        service=service if mine else "",
        service_name=known.name if known and mine else "a service of another tenant",
        customer=known.customer if known and mine else "",
        paths=tuple(paths),
    )


def expected_seconds(connection: sa.Connection, devices: Sequence[str]) -> float | None:
    """The median time of the last completed changes on these devices; None without any.

    What waited for a person, or was done again because of a device or a stop, says nothing of how
    long a change takes: only undisturbed ones count.
    """
    order, item, of = tables.resource_order, tables.resource_item, tables.transaction
    asked = (
        sa.select(order.c.order_date, order.c.completion_date)
        .join(item, item.c.resource_order_id == order.c.id)
        .join(of, of.c.id == order.c.transaction_id)
        .where(item.c.device.in_(devices), order.c.state == views.OrderState.COMPLETED)
        .where(of.c.approved.is_(None), of.c.attempt == 1)
        .order_by(order.c.number.desc())
        .limit(_REMEMBERED)
    )
    took = [
        (row.completion_date - row.order_date).total_seconds() for row in connection.execute(asked)
    ]
    return round(statistics.median(took), 3) if took else None
