"""Writes down what an operator says a device is that was taken in before anybody knew."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from inventory.devices import devices
from inventory.rows import history, tables


def unknown(connection: sa.Connection, tenant: str, names: Collection[str]) -> tuple[str, ...]:
    """Those of these devices of which nobody said yet what they are."""
    d = tables.devices
    query = sa.select(d).where(
        history.current(d), d.c.tenant == tenant, d.c.name.in_(sorted(names))
    )
    rows = connection.execute(query.order_by(d.c.name)).mappings()
    return tuple(row["name"] for row in rows if devices.is_unknown(row))


def name(connection: sa.Connection, names: Collection[str], platform: str, at: datetime) -> None:
    """They are of this platform, and managed from now on."""
    facts = {"platform": platform, "managed": True, "reason": ""}
    for device in names:
        history.put(connection, tables.devices, {"name": device}, facts, at)
