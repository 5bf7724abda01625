"""Decides what is kept of when and how a device was read: it has no history, and is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.facts import facts
from inventory.rows import tables
from oss_agent.spi import snmp

_KEPT = sa.select(tables.sightings.c.digests).where(
    tables.sightings.c.device == sa.bindparam("at_device")
)
_LOOKED_AT = sa.select(tables.sightings.c.ports_at).where(
    tables.sightings.c.device == sa.bindparam("at_device")
)
"""Made once: to build a statement costs several times as much as to run it."""


def written_digests(connection: sa.Connection, device: str) -> dict[str, str]:
    """What stands for what is written."""
    return connection.execute(_KEPT, {"at_device": device}).scalar_one_or_none() or {}


def looked_at(connection: sa.Connection, device: str) -> datetime | None:
    """When its ports were last looked at."""
    return connection.execute(_LOOKED_AT, {"at_device": device}).scalar_one_or_none()


def is_stirred(connection: sa.Connection, device: str) -> bool:
    """Is it to be looked at soon, because a poll saw what only a look can tell?"""
    c = tables.sightings.c
    query = sa.select(c.stirred_at).where(c.device == device)
    return connection.execute(query).scalar_one_or_none() is not None


def answers(connection: sa.Connection, device: str) -> bool | None:
    """Did the device answer when it was last asked? None when it never was."""
    c = tables.sightings.c
    row = connection.execute(
        sa.select(c.last_seen, c.unreachable_since).where(c.device == device)
    ).first()
    if row is None or (row.last_seen is None and row.unreachable_since is None):
        return None
    return row.unreachable_since is None


def mark_seen(
    connection: sa.Connection,
    device: str,
    tenant: str,
    at: datetime,
) -> None:
    """The device answered at ``at``."""
    values: dict[str, Any] = {"last_seen": at, "unreachable_since": None, "reason": ""}
    overwrite(connection, device, tenant, values)


def mark_unreachable(
    connection: sa.Connection, device: str, tenant: str, at: datetime, reason: str
) -> None:
    """The device did not answer, or not well; since when is kept from the first time."""
    c = tables.sightings.c
    before = sa.select(c.unreachable_since).where(c.device == device)
    since = connection.execute(before).scalar_one_or_none()
    values = {"unreachable_since": since or at, "reason": reason}
    overwrite(connection, device, tenant, values)


def overwrite(
    connection: sa.Connection, device: str, tenant: str, values: Mapping[str, Any]
) -> None:
    """What is known of when and how a device was read, which has no history."""
    if not values:
        return  # an answer that was not whole, of a device that never gave a whole one
    table = tables.sightings
    done = connection.execute(sa.update(table).where(table.c.device == device).values(**values))
    if not done.rowcount:
        connection.execute(sa.insert(table).values(device=device, tenant=tenant, **values))


def run_on(seen: facts.DeviceFacts, at: datetime) -> int | None:
    """SysUpTime at ``at``, while it is written: a slow device told it minutes before."""
    if seen.uptime is None or seen.uptime_at is None:
        return seen.uptime
    since = (at - seen.uptime_at).total_seconds()
    return (seen.uptime + round(since * 100)) % snmp.TICKS


def restarted(connection: sa.Connection, seen: facts.DeviceFacts, at: datetime) -> bool:
    """Did it restart since its ports were last read? Where nobody can tell, it did."""
    c = tables.sightings.c
    query = sa.select(c.uptime, c.ports_at).where(c.device == seen.device)
    before, since = connection.execute(query).one_or_none() or (None, None)
    now = run_on(seen, at)
    if before is None or since is None or now is None:
        return True
    return snmp.restarted(before, now, (at - since).total_seconds())
