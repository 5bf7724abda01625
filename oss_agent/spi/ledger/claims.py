"""What an order takes for its service alone: values of pools, and ports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Claims(Protocol):
    """What is taken, by key and by port."""

    def likely(
        self,
        connection: Connection,
        pool: str,
        beside: Collection[str] = (),
        *,
        key: str = "",
        wanted: str | None = None,
        there: bool = False,
    ) -> str:
        """The value a claim would get now, after those ``beside`` it; claims nothing (dry-run).

        ``there`` as ``claim`` has it. Conflict where ``claim`` would say so of what is ``wanted``.
        """
        ...

    def claim(
        self,
        connection: Connection,
        *,
        pool: str,
        key: str,
        wanted: str | None,
        at: datetime,
        there: bool = False,
    ) -> str:
        """A keyed claim: the same key always gets the same value.

        ``there``: what is claimed is on devices already, which is what its rest would have waited for.
        Conflict when the wanted value is somebody else's (holder named) or the pool is exhausted.
        """
        ...

    def release(self, connection: Connection, *, key: str, at: datetime) -> None:
        """Give back what ``key`` claimed. Safe twice."""
        ...

    def take_ports(
        self,
        connection: Connection,
        *,
        service: str,
        order: str,
        ports: Sequence[tuple[str, str]],
        at: datetime,
    ) -> None:
        """Take ports exclusively; Conflict naming the holding service and its order."""
        ...

    def free_ports(
        self,
        connection: Connection,
        *,
        service: str,
        order: str | None = None,
        keep: Collection[tuple[str, str]] = (),
        at: datetime,
    ) -> None:
        """Give a service's ports back, all or those that ``order`` took, but those to ``keep``.

        Safe twice.
        """
        ...
