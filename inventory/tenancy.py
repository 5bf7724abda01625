"""Decides whose a new row is: the tenant of the service it serves, else of the device it is on."""

from __future__ import annotations

import sqlalchemy as sa

from inventory import history, tables
from oss_agent import errors


def of_device(connection: sa.Connection, device: str) -> str:
    """The tenant of a device; NotFound."""
    c = tables.devices.c
    query = sa.select(c.tenant).where(history.current(tables.devices), c.name == device)
    tenant = connection.execute(query).scalar_one_or_none()
    if tenant is None:
        raise errors.NotFound(f"device {device}")
    return tenant


def of_service(connection: sa.Connection, service: str, *, device: str) -> str:
    """The tenant of a service, or of the device when the service's row is not written yet."""
    c = tables.services.c
    query = sa.select(c.tenant).where(history.current(tables.services), c.id == service)
    tenant = connection.execute(query).scalar_one_or_none()
    return tenant if tenant is not None else of_device(connection, device)
