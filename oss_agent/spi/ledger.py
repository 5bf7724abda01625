"""What fulfilment and assurance need of the inventory: facts to plan on, rows to write in a unit.

Every function takes the unit's connection, so claims, ownership and service states commit with
the order they belong to. Sync on purpose: a unit never waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from oss_agent.spi.products import ProductLedger
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView, SpecificationRef

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from oss_agent.spi.device import Endpoint
    from oss_agent.spi.tree import Path, Tree


@dataclass(frozen=True, slots=True)
class TestPoint:
    """A device that can send test packets, attached to a port; ``address`` is its service side.

    ``addresses`` are all it has there, with their prefix lengths (``192.0.2.1/24``).
    """

    __test__ = False  # pytest: not a test class

    device: str
    address: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortFact:
    """A port as inventory knows it.

    ``owner`` is the service that holds it exclusively, or None (or a resource by itself);
    ``owner_name`` is what it is called, ``owner_order`` the order that took it. ``use`` says what the network itself uses it for; "" when a customer may have it.
    """

    name: str
    oper_status: str = "unknown"
    owner: str | None = None
    owner_order: str | None = None
    test_point: TestPoint | None = None
    use: str = ""
    owner_name: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """A device as a plan may use it. ``router_id`` is its loopback (VTEP) address if known."""

    name: str
    platform: str
    trusted: bool
    managed: bool
    router_id: str | None = None
    site: str = ""
    ports: Mapping[str, PortFact] = field(default_factory=dict[str, PortFact])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known now, for pure planning."""

    devices: Mapping[str, DeviceFact]
    services: Mapping[str, ServiceView]


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


@dataclass(frozen=True, slots=True)
class Affected:
    """A customer-facing service that stands on a port, for impact."""

    service: str
    name: str
    tenant: str
    customer: str
    status: OperatingStatus


@dataclass(frozen=True, slots=True)
class WatchedPort:
    """A port that assurance polls for usage and state: a meter point of an active service.

    ``resumed`` is when it last came back from a suspension: what was counted before is not its.
    ``formerly`` is what the port was called before it was renamed, None when it never was.
    """

    device: str
    port: str
    index: int | None
    service: str
    service_name: str
    tenant: str
    customer: str
    resumed: datetime | None = None
    formerly: str | None = None


class Ledger(ProductLedger, Protocol):
    """Inventory's writing side, for use inside a unit."""

    def around(
        self, connection: Connection, tenant: str, *, devices: Collection[str], name: str
    ) -> Snapshot:
        """Of a snapshot what one item is planned on: these devices, and the services of this name."""
        ...

    def service(self, connection: Connection, tenant: str, key: str) -> ServiceView | None:
        """One of a tenant's services; None when it has none with this id."""
        ...

    def snapshot(self, connection: Connection, tenant: str) -> Snapshot:
        """Devices, ports with owners and test points, services: what a plan is computed from."""
        ...

    def likely(
        self,
        connection: Connection,
        pool: str,
        beside: Collection[str] = (),
        *,
        key: str = "",
        wanted: str | None = None,
    ) -> str:
        """The value a claim would get now, after those ``beside`` it; claims nothing (dry-run).

        Conflict where ``claim`` would say so of what is ``wanted``.
        """
        ...

    def claim(
        self, connection: Connection, *, pool: str, key: str, wanted: str | None, at: datetime
    ) -> str:
        """A keyed claim: the same key always gets the same value.

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

    def on_port(self, connection: Connection, device: str, port: str) -> tuple[Affected, ...]:
        """Active customer-facing services standing on a port."""
        ...

    def on_device(self, connection: Connection, device: str) -> tuple[Affected, ...]:
        """Active customer-facing services with any port on a device."""
        ...

    def watched(self, connection: Connection, device: str | None = None) -> tuple[WatchedPort, ...]:
        """Meter points of active services; of one device alone when it is named."""
        ...

    def sight_device(
        self, connection: Connection, *, device: str, trouble: str | None, at: datetime
    ) -> None:
        """Whether the device answered at ``at``: ``trouble`` is why not, None when it did."""
        ...

    def observe_ports(
        self,
        connection: Connection,
        *,
        device: str,
        rows: Sequence[tuple[str, int, str, str]],
        at: datetime,
    ) -> None:
        """The observed ledger: (name, ifIndex, admin, oper) as a poll saw them."""
        ...


class Devices(Protocol):
    """Devices, resolved for talking to them."""

    async def endpoint(self, device: str) -> Endpoint:
        """Address, ports, pinned keys and the credential resolved from its reference.

        DeviceRefused when the device is unknown, unmanaged, untrusted or its secret is missing.
        """
        ...

    async def by_address(self, address: str) -> str | None:
        """The device a management or interface address belongs to (trap sources), else None."""
        ...

    async def pollable(self) -> tuple[Endpoint, ...]:
        """Trusted, managed devices flagged for SNMP."""
        ...
