"""What inventory knows that a plan is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from oss_agent.spi.views import ServiceView

if TYPE_CHECKING:
    from sqlalchemy import Connection


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


class Planning(Protocol):
    """What plans are made of."""

    def around(
        self,
        connection: Connection,
        tenant: str,
        *,
        devices: Collection[str],
        name: str,
        adopting: bool = False,
    ) -> Snapshot:
        """Of a snapshot what one item is planned on: these devices, and the services of this name.

        ``adopting``: a port that has an address is not the network's for that alone.
        """
        ...

    def read_only(self, connection: Connection, devices: Collection[str]) -> Mapping[str, str]:
        """Of these devices those that may not be written to, each with the reason."""
        ...

    def service(self, connection: Connection, tenant: str, key: str) -> ServiceView | None:
        """One of a tenant's services; None when it has none with this id."""
        ...

    def snapshot(self, connection: Connection, tenant: str) -> Snapshot:
        """Devices, ports with owners and test points, services: what a plan is computed from."""
        ...
