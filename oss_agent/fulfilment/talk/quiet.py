"""Decides whether what was read of a device is believed: only if no order worked on it meanwhile."""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.talk import connections

_LEASED = sa.select(tables.lease.c.device).where(tables.lease.c.device == sa.bindparam("at_device"))
"""Made once: every reading asks it twice and more."""


def since(connection: sa.Connection, lines: connections.Connections, name: str) -> str | None:
    """How often orders began to write to it in this process; None while one has its lease.

    Who writes has the lease, taken before and given back after: so where there is none before a
    reading and none after, and the number is the same, nobody wrote meanwhile.
    """
    if connection.execute(_LEASED, {"at_device": name}).first() is not None:
        return None
    return str(lines.written[name])
