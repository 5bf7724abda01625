"""Services as they are planned, and how their states move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView, SpecificationRef

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service to write: planned first, then its states move.

    ``resources`` are (device, port) pairs that support it; ``parent`` is the CFS of an RFS.
    """

    id: str
    tenant: str
    name: str
    category: str
    specification: SpecificationRef
    characteristics: Mapping[str, Any]
    customer: str
    order: str
    resources: tuple[tuple[str, str], ...] = ()
    parent: str | None = None
    meters: tuple[tuple[str, str], ...] = ()


class Services(Protocol):
    """Services, written and moved."""

    def put_service(self, connection: Connection, row: ServiceRow, at: datetime) -> None:
        """Write a planned service (state designed). Idempotent by id."""
        ...

    def move_service(
        self,
        connection: Connection,
        *,
        service: str,
        state: ServiceState,
        at: datetime,
        order: str | None = None,
    ) -> ServiceView:
        """Change a service's state; its RFS children move along. Returns the new view.

        ``order`` is whose doing it is; None leaves who touched it last.

        Legal moves (TMF638 v4): feasibilityChecked -> designed | reserved | inactive | active;
        designed <-> reserved; designed | reserved -> inactive | active; inactive <-> active;
        active | inactive -> terminated; to the same state. Others: Conflict. Operating status follows:
        active is running, inactive and terminated are stopped.
        """
        ...

    def retire_service(self, connection: Connection, *, service: str, at: datetime) -> None:
        """A service that never went live, or is terminated, leaves the inventory (history stays).

        What a failed add calls, with its RFS. Safe twice; Conflict when it is active or inactive.
        """
        ...

    def set_status(
        self,
        connection: Connection,
        *,
        service: str,
        status: OperatingStatus,
        cause: str | None,
        at: datetime,
    ) -> ServiceView | None:
        """Change operating status; None when it already was so (no event then)."""
        ...
