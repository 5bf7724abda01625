"""The store: every durable write is a unit, a plain function of a database connection.

One writer runs units in batches, several each in a SAVEPOINT, with one synced commit for all; the
awaiter continues only after the sync. A unit may call several rooms' repository functions, so
that order state, pool claim, ownership, journal and outbox row commit together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


class Store(Protocol):
    """Durable rows, by SQLAlchemy Core functions."""

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run ``unit`` by itself, or in a SAVEPOINT beside others; its result once it is synced to disk.

        An exception of the unit rolls back that unit alone and is raised here.
        StoreUnavailable when the database cannot take writes.
        """
        ...

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a reading function on a reader connection; it sees committed rows only."""
        ...
