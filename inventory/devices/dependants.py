"""Decides which active services stand on a port or device, and which ports are watched for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.moment import Moment
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
    query, asked = (_WATCHED, {}) if device is None else (_WATCHED_OF, {"at_device": device})
    return tuple(_watched(connection, row) for row in connection.execute(query, asked).mappings())


def _watched(connection: sa.Connection, row: sa.RowMapping) -> ledger.WatchedPort:
    return ledger.WatchedPort(
        device=row["device"],
        port=row["port"],
        index=row["ifindex"],
        service=row["service"],
        service_name=row["name"],
        tenant=row["tenant"],
        customer=row["customer"],
        active=row["active"],
        names=_names(connection, row),
    )


_I = tables.interfaces.c
_WATCHED = (
    sa.select(
        _R.device,
        _R.port,
        _I.ifindex,
        _R.service,
        _S.name,
        _S.tenant,
        _S.customer,
        sa.func.coalesce(_S.resumed_at, _S.start_date, type_=Moment()).label("active"),
        _R.formerly,
        _R.valid_from,
    )
    .select_from(
        tables.services.join(
            tables.service_resources,
            sa.and_(history.current(tables.service_resources), _R.service == _S.id, _R.meter),
        ).outerjoin(
            tables.interfaces,
            sa.and_(
                history.current(tables.interfaces),
                _I.ledger == tables.OBSERVED,
                _I.device == _R.device,
                _I.name == _R.port,
            ),
        )
    )
    .where(history.current(tables.services), _S.state == ServiceState.ACTIVE.value)
    .order_by(_R.device, _R.port)
)
_WATCHED_OF = _WATCHED.where(_R.device == sa.bindparam("at_device"))
_BEFORE = sa.select(_R.formerly, _R.valid_from).where(
    _R.service == sa.bindparam("at_service"),
    _R.device == sa.bindparam("at_device"),
    _R.port == sa.bindparam("at_port"),
    _R.valid_to == sa.bindparam("at_end", type_=Moment()),
    _R.known_to.is_(None),
    _R.meter,
)


def _names(connection: sa.Connection, row: sa.RowMapping) -> tuple[ledger.PortName, ...]:
    """What the port was called under the service: renamed, it stayed the same port."""
    names = [ledger.PortName(row["port"], row["valid_from"])]
    formerly = row["formerly"]
    while formerly is not None:
        asked = {"at_service": row["service"], "at_device": row["device"], "at_port": formerly}
        ended = asked | {"at_end": names[-1].since}
        before = connection.execute(_BEFORE, ended).first()
        if before is None:
            break
        names.append(ledger.PortName(formerly, before.valid_from))
        formerly = before.formerly
    return tuple(names)


def left(
    connection: sa.Connection, device: str, port: str, service: str, after: datetime
) -> datetime | None:
    """When the service left the port, or ceased to be active there, first after a moment."""
    moved = sa.select(sa.func.min(_R.valid_to, type_=Moment())).where(
        _R.service == service,
        _R.device == device,
        _R.port == port,
        _R.valid_to > after,
        _R.known_to.is_(None),
    )
    ceased = sa.select(sa.func.min(_S.valid_from, type_=Moment())).where(
        _S.id == service,
        _S.state != ServiceState.ACTIVE.value,
        _S.valid_from > after,
        _S.known_to.is_(None),
    )
    found = (connection.execute(query).scalar() for query in (moved, ceased))
    return min((one for one in found if one is not None), default=None)


def _affected(rows: Iterable[sa.Row[str, str, str, str, str]]) -> tuple[ledger.Affected, ...]:
    return tuple(
        ledger.Affected(
            row.id, row.name, row.tenant, row.customer, OperatingStatus(row.operating_status)
        )
        for row in rows
    )
