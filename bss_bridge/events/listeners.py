"""The only functions that write hub listeners: add, remove, list."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bss_bridge.events.tables import LISTENERS
from oss_agent import errors

MAX_PER_TENANT: Final = 100
"""Each listener costs a delivery row per event: a loop that registers must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One subscription, as stored."""

    id: str
    tenant: str
    surface: str
    callback: str
    query: str


_EVERY: Final = sa.select(*(LISTENERS.c[name] for name in Listener.__slots__)).order_by(
    LISTENERS.c.created_at, LISTENERS.c.id
)
"""Made once: it is asked for every few events."""


def add(
    connection: sa.Connection, *, tenant: str, surface: str, callback: str, query: str, at: datetime
) -> Listener:
    """Store it, unless it is there: a BSS that registers at each start is told once, not twice.

    OrderRejected (409) when there are too many.
    """
    mine = [one for one in _select(connection) if one.tenant == tenant]
    for one in mine:
        if (one.surface, one.callback, one.query) == (surface, callback, query):
            return one
    if len(mine) >= MAX_PER_TENANT:
        raise errors.OrderRejected(
            f"there are {MAX_PER_TENANT} listeners already: delete one first",
            status=409,
            code="tooManyListeners",
        )
    one = Listener(str(uuid.uuid4()), tenant, surface, callback, query)
    connection.execute(
        LISTENERS.insert().values(
            id=one.id,
            tenant=tenant,
            surface=surface,
            callback=callback,
            query=query,
            created_at=at,
        )
    )
    return one


def remove(connection: sa.Connection, *, tenant: str, surface: str, key: str) -> None:
    """Forget it. NotFound when absent, another tenant's or another surface's."""
    found = connection.execute(
        LISTENERS.delete().where(
            LISTENERS.c.id == key, LISTENERS.c.tenant == tenant, LISTENERS.c.surface == surface
        )
    )
    if found.rowcount == 0:
        raise errors.NotFound(f"listener {key}")


def every(connection: sa.Connection) -> tuple[Listener, ...]:
    """All listeners of all tenants, oldest first."""
    return _select(connection)


def _select(connection: sa.Connection) -> tuple[Listener, ...]:
    return tuple(Listener(*row) for row in connection.execute(_EVERY))
