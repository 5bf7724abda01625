"""Decides who holds a port: one service at a time; the unique index over current claims is the truth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import exc

from inventory import history, tables
from oss_agent import errors


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
    with connection.begin_nested():
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
    c = tables.port_claims.c
    mine = sa.select(c.device, c.port).where(
        history.current(tables.port_claims), c.service == service
    )
    if order is not None:
        mine = mine.where(c.order_id == order)
    for device, port in connection.execute(mine).all():
        if (device, port) not in keep:
            which = sa.and_(c.service == service, c.device == device, c.port == port)
            history.end(connection, tables.port_claims, which, at)


def _take_one(
    connection: sa.Connection,
    device: str,
    port: str,
    service: str,
    order: str,
    tenant: str,
    at: datetime,
) -> None:
    holder = _holder(connection, device, port)
    if holder is None:
        holder = _insert(connection, device, port, service, order, tenant, at)
    if holder["service"] != service:
        raise errors.Conflict(
            f"port {device}:{port} is held by service {holder['service']} "
            f"of order {holder['order_id']}; delete that service first or choose another port",
            holder=f"service {holder['service']}, order {holder['order_id']}",
        )


def _holder(connection: sa.Connection, device: str, port: str) -> sa.RowMapping | None:
    c = tables.port_claims.c
    held = sa.select(c.service, c.order_id).where(
        history.current(tables.port_claims), c.device == device, c.port == port
    )
    return connection.execute(held).mappings().first()


def _insert(
    connection: sa.Connection,
    device: str,
    port: str,
    service: str,
    order: str,
    tenant: str,
    at: datetime,
) -> sa.RowMapping:
    """Claim it, and return who holds it now: another process may have been quicker."""
    claim = {
        "tenant": tenant,
        "device": device,
        "port": port,
        "service": service,
        "order_id": order,
    }
    try:
        with connection.begin_nested():
            history.begin(connection, tables.port_claims, claim, at)
    except exc.IntegrityError:
        pass  # the index decided; the holder is read below
    holder = _holder(connection, device, port)
    if holder is None:
        raise errors.Conflict(f"port {device}:{port} changed hands while it was taken; retry")
    return holder
