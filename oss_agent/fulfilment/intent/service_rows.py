"""Writes a design into the inventory: the customer-facing service and one row per end of it.

A resource by itself is one row: it stands on its ports as an end does.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import order_rows, states
from oss_agent.spi import catalogue, ledger, orders, views


def plan(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    design: catalogue.Design,
    at: datetime,
) -> None:
    """Write a new service and its ends as designed. Idempotent."""
    customer = order_rows.row_of(connection, transaction.order).requester
    whole = _whole(transaction, service, design, customer)
    p.ledger.put_service(connection, whole, at)
    for row in _ends(whole, design, ()):
        p.ledger.put_service(connection, row, at)


def amend(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    design: catalogue.Design,
    at: datetime,
) -> views.ServiceView:
    """Make a living service what ``design`` says: ends that stay keep their ids, others go."""
    before = known(connection, p, transaction, service)
    ends = [known(connection, p, transaction, one) for one in before.supporting_services]
    whole = _whole(transaction, service, design, before.customer)
    p.ledger.put_service(connection, whole, at)
    rows = tuple(_ends(whole, design, ends))
    for gone in {end.id for end in ends} - {row.id for row in rows}:
        p.ledger.move_service(connection, service=gone, state=views.ServiceState.TERMINATED, at=at)
        p.ledger.retire_service(connection, service=gone, at=at)
    for row in rows:
        p.ledger.put_service(connection, row, at)
    state = views.ServiceState.INACTIVE if design.suspended else views.ServiceState.ACTIVE
    return p.ledger.move_service(connection, service=service, state=state, at=at)


def known(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, service: str
) -> views.ServiceView:
    """A service that is there: what is to be modified stands, with its ends."""
    view = p.ledger.service(connection, transaction.tenant, service)
    if view is None:
        raise errors.NotFound(f"service {service}")
    return view


def _whole(
    transaction: states.Transaction, service: str, design: catalogue.Design, customer: str
) -> ledger.ServiceRow:
    alone = orders.by_itself(service)
    return ledger.ServiceRow(
        id=service,
        tenant=transaction.tenant,
        name=design.name,
        category=views.BY_ITSELF if alone else views.CUSTOMER_FACING,
        specification=design.specification,
        characteristics=design.characteristics,
        customer=customer,
        order=transaction.order,
        resources=_ports(design) if alone else (),
        meters=tuple((meter.device, meter.port) for meter in design.meters),
    )


def _ports(design: catalogue.Design) -> tuple[tuple[str, str], ...]:
    return tuple((one.device, port) for one in design.resources for port in one.ports)


def _ends(
    whole: ledger.ServiceRow, design: catalogue.Design, known: Sequence[views.ServiceView]
) -> Iterator[ledger.ServiceRow]:
    """One row per resource; an end that was there before keeps its id.

    One that comes with a modify has the order in its id: that of an end which left is not used
    again, because history and billing still mean that end by it.
    """
    built = () if orders.by_itself(whole.id) else design.resources
    rows = [_end(whole, resource, design) for resource in built]
    same = _matched(rows, known)
    used = {one.id for one in known}
    stem = f"{whole.id}.{whole.order}" if known else whole.id
    fresh = (one for n in itertools.count(1) if (one := f"{stem}.{n}") not in used)
    for number, row in enumerate(rows):
        yield dataclasses.replace(row, id=same[number] if number in same else next(fresh))


def _matched(
    rows: Sequence[ledger.ServiceRow], known: Sequence[views.ServiceView]
) -> dict[int, str]:
    """Which row is which known end: first those that are wholly alike, then those that changed."""
    found: dict[int, str] = {}
    free = list(known)
    for closeness in (4, 3, 2):
        for number, row in enumerate(rows):
            ports = tuple(f"{device}:{port}" for device, port in row.resources)
            wanted = (row.name, row.specification.id, ports, dict(row.characteristics))
            for one in free if number not in found else ():
                there = tuple(one.supporting_resources), dict(one.characteristics)
                if (one.name, one.specification.id, *there)[:closeness] == wanted[:closeness]:
                    found[number] = one.id
                    free.remove(one)
                    break
    return found


def _end(
    whole: ledger.ServiceRow, resource: catalogue.ResourceIntent, design: catalogue.Design
) -> ledger.ServiceRow:
    version = design.specification.version
    return ledger.ServiceRow(
        id="",
        tenant=whole.tenant,
        name=f"{whole.name}-{resource.device}",
        category="RFS",
        specification=views.SpecificationRef(resource.rfs, version, resource.rfs),
        characteristics=resource.slots,
        customer=whole.customer,
        order=whole.order,
        resources=tuple((resource.device, port) for port in resource.ports),
        parent=whole.id,
    )
