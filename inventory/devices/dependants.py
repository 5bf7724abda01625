"""Decides which active services stand on a port or device, and which ports are watched for them."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi import ledger
from oss_agent.spi.views import OperatingStatus, ServiceState

_R, _S = tables.service_resources.c, tables.services.c
_WHOLE = tables.services.alias("customer_facing")
_ON_DEVICE = (
    sa.select(
        _WHOLE.c.id,
        _WHOLE.c.name,
        _WHOLE.c.tenant,
        _WHOLE.c.customer,
        _WHOLE.c.operating_status,
    )
    .select_from(
        tables.service_resources.join(tables.services, _S.id == _R.service)
        # What stands on a port is an RFS, whose parent is the CFS, or the CFS itself.
        .join(_WHOLE, _WHOLE.c.id == sa.func.coalesce(_S.parent, _S.id))
    )
    .where(
        history.current(tables.service_resources),
        history.current(tables.services),
        history.current(_WHOLE),
        _WHOLE.c.category == "CFS",
        _WHOLE.c.state == ServiceState.ACTIVE.value,
        _R.device == sa.bindparam("at_device"),
    )
    .distinct()
    .order_by(_WHOLE.c.id)
)
_ON_PORT = _ON_DEVICE.where(_R.port == sa.bindparam("at_port"))
"""Made once: to build a statement costs several times as much as to run it."""


def on_port(connection: sa.Connection, device: str, port: str) -> tuple[ledger.Affected, ...]:
    """Active customer-facing services that stand on this port, themselves or by an RFS."""
    return _affected(connection.execute(_ON_PORT, {"at_device": device, "at_port": port}))


def on_device(connection: sa.Connection, device: str) -> tuple[ledger.Affected, ...]:
    """Active customer-facing services that stand on any port of this device."""
    return _affected(connection.execute(_ON_DEVICE, {"at_device": device}))


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
        sa.select(
            r.device,
            r.port,
            i.ifindex,
            s.id,
            s.name,
            s.tenant,
            s.customer,
            s.resumed_at,
            r.formerly,
        )
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


def _affected(rows: Iterable[sa.Row[str, str, str, str, str]]) -> tuple[ledger.Affected, ...]:
    return tuple(
        ledger.Affected(
            row.id, row.name, row.tenant, row.customer, OperatingStatus(row.operating_status)
        )
        for row in rows
    )
