"""Decides who holds a port: one service at a time; the unique index over current claims is the truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from inventory.rows import history, savepoint, tables
from oss_agent import errors

_C = tables.port_claims.c
_OF_SERVICE = sa.select(tables.port_claims).where(
    history.current(tables.port_claims), _C.service == sa.bindparam("at_service")
)
_HOLDER = sa.select(_C.service, _C.order_id).where(
    history.current(tables.port_claims),
    _C.device == sa.bindparam("at_device"),
    _C.port == sa.bindparam("at_port"),
)
"""Made once: to build a statement costs several times as much as to run it."""


def take(
    connection: sa.Connection,
    *,
    service: str,
    order: str,
    ports: Sequence[tuple[str, str]],
    tenant: str,
    at: datetime,
) -> None:
    """Take all of ``ports`` or none; Conflict naming the holding service and its order.

    A port the service holds already stays as it was, with the order that took it.
    """
    with savepoint.within(connection):
        for device, port in ports:
            _take_one(connection, device, port, service, order, tenant, at)


def free(
    connection: sa.Connection,
    *,
    service: str,
    order: str | None = None,
    keep: Collection[tuple[str, str]] = (),
    at: datetime,
) -> None:
    """Give a service's ports back, all or those that ``order`` took, but those it shall ``keep``.

    Safe twice.
    """
    rows = connection.execute(_OF_SERVICE, {"at_service": service}).mappings().all()
    gone = [
        row
        for row in rows
        if order in {None, row["order_id"]} and (row["device"], row["port"]) not in keep
    ]
    history.end_rows(connection, tables.port_claims, gone, at)


def held(connection: sa.Connection, service: str) -> tuple[tuple[str, str], ...]:
    """The (device, port)s that a service holds."""
    rows = connection.execute(_OF_SERVICE, {"at_service": service})
    return tuple((row.device, row.port) for row in rows)


def _take_one(
    connection: sa.Connection,
    device: str,
    port: str,
    service: str,
    order: str,
    tenant: str,
    at: datetime,
) -> None:
    holder: Mapping[Any, Any] | None = _holder(connection, device, port)
    if holder is None:
        claim = {
            "tenant": tenant,
            "device": device,
            "port": port,
            "service": service,
            "order_id": order,
        }
        holder = _insert(connection, claim, at)
    if holder["service"] != service:
        raise errors.Conflict(
            f"port {device}:{port} is held by service {holder['service']} "
            f"of order {holder['order_id']}; delete that service first or choose another port",
            holder=f"service {holder['service']}, order {holder['order_id']}",
        )


def _holder(connection: sa.Connection, device: str, port: str) -> sa.RowMapping | None:
    held = connection.execute(_HOLDER, {"at_device": device, "at_port": port})
    return held.mappings().first()


def _insert(connection: sa.Connection, claim: Mapping[str, str], at: datetime) -> Mapping[Any, Any]:
    """Claim it, and return who holds it now: another process may have been quicker."""
    try:
        with savepoint.within(connection):
            history.begin(connection, tables.port_claims, claim, at)
    except exc.IntegrityError:
        pass  # the index decided; the holder is read below
    else:
        return claim
    device, port = claim["device"], claim["port"]
    holder = _holder(connection, device, port)
    if holder is None:
        raise errors.Conflict(f"port {device}:{port} changed hands while it was taken; retry")
    return holder
