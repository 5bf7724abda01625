"""From an item to its design, with what it needs reserved: one unit, all of it or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import journal, order_rows, parts, states, tables
from oss_agent.spi import catalogue, ledger, orders, proof, views


def reserve(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> catalogue.Design:
    """The item's design; for an add its pool values, ports and planned service are ours now.

    Again for the same item: the same values. OrderRejected or Conflict when the state of the
    network does not allow it; the unit then leaves nothing behind.
    """
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    if item.action is views.ItemAction.DELETE:
        return standing(connection, p, transaction.tenant, item)
    pools = _claim(connection, p, transaction, item, at)
    snapshot = p.ledger.snapshot(connection, transaction.tenant)
    design = p.catalogue.decompose(item, snapshot, pools)
    _write_services(connection, p, transaction, item, design, at)
    p.ledger.take_ports(
        connection,
        service=item.service_id or "",
        order=transaction.order,
        ports=ports(design),
        at=at,
    )
    return design


def standing(
    connection: sa.Connection, p: parts.Parts, tenant: str, item: orders.ItemRequest
) -> catalogue.Design:
    """The design by which an active service was built; OrderRejected when there is none."""
    snapshot = p.ledger.snapshot(connection, tenant)
    service = snapshot.services.get(item.service_id or "")
    field = f"{item.path}.service.id"
    if service is None or service.category != "CFS":
        raise errors.OrderRejected(
            f"there is no service {item.service_id}", field=field, status=422, code="unknownService"
        )
    if service.state is not views.ServiceState.ACTIVE:
        raise errors.OrderRejected(
            f"service {service.id} is {service.state}, only an active one can be terminated",
            field=field,
            status=422,
            code="notActive",
        )
    built = _built_by(connection, tenant, service)
    # What proved that it works would now prove that it still does: only its absence counts.
    absence = tuple(one for one in built.predicates if one.kind == proof.CONFIG_EQUAL)
    return dataclasses.replace(built, predicates=absence)


def _built_by(
    connection: sa.Connection, tenant: str, service: views.ServiceView
) -> catalogue.Design:
    item, of = tables.item, tables.transaction
    asked = (
        of.select()
        .join(item, sa.and_(item.c.order_id == of.c.order_id, item.c.position == of.c.position))
        .where(
            item.c.service_id == service.id,
            item.c.tenant == tenant,
            item.c.action == views.ItemAction.ADD,
            item.c.state == views.OrderState.COMPLETED,
        )
    )
    row = connection.execute(asked).one_or_none()
    design = journal.of_row(row).design if row is not None else None
    if design is None:
        raise errors.OrderRejected(
            f"service {service.id} was not built here: its design is not known", status=422
        )
    return design


def _claim(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    at: datetime,
) -> dict[str, str]:
    values: dict[str, str] = {}
    for need in p.catalogue.needs(item):
        key = f"{transaction.id}.{need.name}"
        values[need.name] = p.ledger.claim(
            connection, pool=need.pool, key=key, wanted=need.wanted, at=at
        )
        _remember(connection, transaction, item, key, need.name)
    return values


def _remember(
    connection: sa.Connection,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    key: str,
    name: str,
) -> None:
    table = tables.claim
    if connection.execute(sa.select(table.c.key).where(table.c.key == key)).first() is None:
        connection.execute(
            table.insert().values(
                key=key, tenant=transaction.tenant, service_id=item.service_id, name=name
            )
        )


def _write_services(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    design: catalogue.Design,
    at: datetime,
) -> None:
    customer = order_rows.row_of(connection, transaction.order).requester
    service = item.service_id or ""
    meters = tuple((meter.device, meter.port) for meter in design.meters)
    whole = ledger.ServiceRow(
        id=service,
        tenant=transaction.tenant,
        name=design.name,
        category="CFS",
        specification=design.specification,
        characteristics=design.characteristics,
        customer=customer,
        order=transaction.order,
        meters=meters,
    )
    p.ledger.put_service(connection, whole, at)
    for number, resource in enumerate(design.resources, start=1):
        end = _end(whole, number, resource, design.specification)
        p.ledger.put_service(connection, end, at)


def _end(
    whole: ledger.ServiceRow,
    number: int,
    resource: catalogue.ResourceIntent,
    specification: views.SpecificationRef,
) -> ledger.ServiceRow:
    return ledger.ServiceRow(
        id=f"{whole.id}.{number}",
        tenant=whole.tenant,
        name=f"{whole.name}-{resource.device}",
        category="RFS",
        specification=views.SpecificationRef(resource.rfs, specification.version, resource.rfs),
        characteristics=resource.slots,
        customer=whole.customer,
        order=whole.order,
        resources=tuple((resource.device, port) for port in resource.ports),
        parent=whole.id,
    )


def ports(design: catalogue.Design) -> tuple[tuple[str, str], ...]:
    """Every (device, port) the design takes exclusively."""
    return tuple((one.device, port) for one in design.resources for port in one.ports)


def likely(
    connection: sa.Connection, p: parts.Parts, item: orders.ItemRequest
) -> Mapping[str, str]:
    """The pool values a dry-run shows: the wishes, and else what a claim would get now."""
    return {
        need.name: need.wanted or p.ledger.likely(connection, need.pool)
        for need in p.catalogue.needs(item)
    }
