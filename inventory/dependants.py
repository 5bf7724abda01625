"""Decides which active services stand on a port or device, and which ports are watched for them."""

from __future__ import annotations

import sqlalchemy as sa

from inventory import history, tables
from oss_agent.spi import ledger
from oss_agent.spi.views import OperatingStatus, ServiceState


def on_port(connection: sa.Connection, device: str, port: str) -> tuple[ledger.Affected, ...]:
    """Active customer-facing services that stand on this port, themselves or by an RFS."""
    c = tables.service_resources.c
    return _affected(connection, sa.and_(c.device == device, c.port == port))


def on_device(connection: sa.Connection, device: str) -> tuple[ledger.Affected, ...]:
    """Active customer-facing services that stand on any port of this device."""
    return _affected(connection, tables.service_resources.c.device == device)


def watched(connection: sa.Connection, device: str | None = None) -> tuple[ledger.WatchedPort, ...]:
    """Meter points of active services, with the ifIndex that discovery or a poll saw last."""
    s, r, i = tables.services.c, tables.service_resources.c, tables.interfaces.c
    observed = sa.and_(
        history.current(tables.interfaces),
        i.ledger == tables.OBSERVED,
        i.device == r.device,
        i.name == r.port,
    )
    metered = sa.and_(history.current(tables.service_resources), r.service == s.id, r.meter)
    query = (
        sa.select(r.device, r.port, i.ifindex, s.id, s.name, s.tenant, s.customer, s.resumed_at)
        .select_from(
            tables.services.join(tables.service_resources, metered).outerjoin(
                tables.interfaces, observed
            )
        )
        .where(history.current(tables.services), s.state == ServiceState.ACTIVE.value)
        .order_by(r.device, r.port)
    )
    if device is not None:
        query = query.where(r.device == device)
    return tuple(ledger.WatchedPort(*row) for row in connection.execute(query))


def _affected(
    connection: sa.Connection, where: sa.ColumnElement[bool]
) -> tuple[ledger.Affected, ...]:
    customer_facing = tables.services.alias("customer_facing")
    s, c = tables.services.c, customer_facing.c
    stands = sa.and_(
        history.current(tables.service_resources), tables.service_resources.c.service == s.id
    )
    query = (
        sa.select(c.id, c.name, c.tenant, c.customer, c.operating_status)
        .select_from(
            customer_facing.join(tables.services, sa.or_(s.id == c.id, s.parent == c.id)).join(
                tables.service_resources, stands
            )
        )
        .where(
            where,
            history.current(tables.services),
            history.current(customer_facing),
            c.category == "CFS",
            c.state == ServiceState.ACTIVE.value,
        )
        .distinct()
        .order_by(c.id)
    )
    return tuple(
        ledger.Affected(service, name, tenant, customer, OperatingStatus(status))
        for service, name, tenant, customer, status in connection.execute(query)
    )
