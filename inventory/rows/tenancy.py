"""Decides whose a new row is: the tenant of the service it serves, else of the device it is on."""

from __future__ import annotations

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent import errors

_OF_DEVICE = sa.select(tables.devices.c.tenant).where(
    history.current(tables.devices), tables.devices.c.name == sa.bindparam("at_name")
)
_OF_SERVICE = sa.select(tables.services.c.tenant).where(
    history.current(tables.services), tables.services.c.id == sa.bindparam("at_id")
)
"""Made once: to build a statement costs several times as much as to run it."""


def of_device(connection: sa.Connection, device: str) -> str:
    """The tenant of a device; NotFound."""
    tenant = connection.execute(_OF_DEVICE, {"at_name": device}).scalar_one_or_none()
    if tenant is None:
        raise errors.NotFound(f"device {device}")
    return tenant


def of_service(connection: sa.Connection, service: str, *, device: str) -> str:
    """The tenant of a service, or of the device when the service's row is not written yet."""
    tenant = connection.execute(_OF_SERVICE, {"at_id": service}).scalar_one_or_none()
    return tenant if tenant is not None else of_device(connection, device)
