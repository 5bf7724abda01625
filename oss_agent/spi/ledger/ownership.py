"""Which configuration is whose, and what was read back of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from oss_agent.spi.tree import Path, Tree


class Ownership(Protocol):
    """Whose which part is, planned and read back."""

    def own(
        self,
        connection: Connection,
        *,
        service: str,
        order: str,
        device: str,
        store: str,
        paths: Sequence[str],
        changed: Collection[str] = (),
        at: datetime,
    ) -> None:
        """Record that ``service`` owns exactly these configuration paths in a device's store.

        A path it owned before stays with the order that brought it, unless it is in ``changed``:
        this order set it anew. What it owned there and is not named any more ends.
        """
        ...

    def disown(
        self, connection: Connection, *, service: str, device: str, store: str, at: datetime
    ) -> None:
        """End a service's ownership in a device's store. Safe twice."""
        ...

    def owners(self, connection: Connection, device: str, store: str, path: str) -> tuple[str, ...]:
        """Services that own ``path`` or a node above it, now."""
        ...

    def drift_cases(
        self, connection: Connection, tenant: str, device: str, paths: Collection[str]
    ) -> tuple[str, ...]:
        """Ids of the open cases of drift at these paths of a device that a tenant may decide about."""
        ...

    def record_configured(
        self,
        connection: Connection,
        *,
        device: str,
        store: str,
        service: str,
        tree: Tree,
        at: datetime,
    ) -> None:
        """The configured ledger: what was read back from the device for this service.

        Its own part alone; an empty tree says that nothing of it is there any more.
        """
        ...

    def configured(self, connection: Connection, service: str) -> Mapping[tuple[str, str], Tree]:
        """What a service has configured now, by (device, store)."""
        ...

    def configured_on(
        self, connection: Connection, devices: Collection[str], services: Collection[str]
    ) -> Mapping[str, Mapping[tuple[str, str], Tree]]:
        """What these services have configured on these devices now, by service, then as above.

        Without those that have nothing there.
        """
        ...

    def neighbours(
        self,
        connection: Connection,
        *,
        device: str,
        store: str,
        paths: Sequence[Path],
        besides: str,
    ) -> Mapping[str, Tree]:
        """What other services have configured who own a node at, above or below one of ``paths``.

        By service, of every tenant: a device does not know tenants. ``besides`` is left out.
        """
        ...
