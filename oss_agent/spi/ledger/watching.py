"""What assurance asks of the inventory, and tells it of devices and ports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from oss_agent.spi.views import OperatingStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Affected:
    """A customer-facing service that stands on a port, for impact."""

    service: str
    name: str
    tenant: str
    customer: str
    status: OperatingStatus


@dataclass(frozen=True, slots=True)
class PortName:
    """What a port is called since when."""

    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class WatchedPort:
    """A port that assurance polls for usage and state: a meter point of an active service.

    ``active`` is since when the service is active, or active again after a suspension. ``names`` are
    what the port was called while the service stood on it, the newest first: the last one's ``since``
    is when it came there. What was counted before either of them is not its.
    """

    device: str
    port: str
    index: int | None
    service: str
    service_name: str
    tenant: str
    customer: str
    active: datetime | None = None
    names: tuple[PortName, ...] = ()

    @property
    def came(self) -> datetime | None:
        """Since when what is counted there is its; None where nobody knows."""
        since = [self.names[-1].since] if self.names else []
        return max([*since, *([self.active] if self.active else [])], default=None)


class Why(StrEnum):
    """Why usage is not told for the time being."""

    IN_DOUBT = "in-doubt"
    """which row of its device the port is, nobody knows"""
    NOT_POLLED = "not-polled"
    """its device is not asked any more"""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A service's usage at a port that is not told since ``since``, the last reading that counts."""

    port: str
    service: str
    service_name: str
    customer: str
    why: Why
    since: datetime

    @property
    def key(self) -> tuple[str, str, Why]:
        """The same as long as the same is withheld there for the same reason."""
        return self.port, self.service, self.why


class PolledPort(Protocol):
    """A row of a poll of the interface table."""

    @property
    def name(self) -> str:
        """As the device has it; "" where it gives none."""
        ...

    @property
    def index(self) -> int:
        """Its ifIndex."""
        ...

    @property
    def admin(self) -> str:
        """Its ifAdminStatus, in IF-MIB's word."""
        ...

    @property
    def oper(self) -> str:
        """Its ifOperStatus, in IF-MIB's word."""
        ...

    @property
    def mac(self) -> str | None:
        """``aa:bb:cc:dd:ee:ff``, where it has one."""
        ...


@dataclass(frozen=True, slots=True)
class NamedPorts:
    """Names of a poll's rows, each once, and the ports of which only a look can tell what became."""

    names: tuple[str, ...]
    doubted: frozenset[str] = frozenset()


class Watching(Protocol):
    """What stands on what, and what was seen of it."""

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
        doubted: Collection[str] = (),
    ) -> None:
        """The observed ledger: (name, ifIndex, admin, oper) as a poll saw them, named by ``name_ports``.

        Where ports are ``doubted`` (their rows are left out), a look at the device is wanted soon.
        """
        ...

    def name_ports(
        self, connection: Connection, device: str, rows: Sequence[PolledPort]
    ) -> NamedPorts:
        """Which ports a poll's rows are, by what the last look knew of them."""
        ...

    def left(
        self, connection: Connection, *, device: str, port: str, service: str, after: datetime
    ) -> datetime | None:
        """When the service left the port, or ceased to be active there, first after a moment."""
        ...

    def withheld(self, connection: Connection, device: str) -> Collection[tuple[str, str, Why]]:
        """The keys of what people are told of by ``withhold``."""
        ...

    def withhold(
        self, connection: Connection, *, device: str, withheld: Sequence[Withheld], at: datetime
    ) -> None:
        """Of a device's ports, this usage and no other is withheld: people are told, until it ends."""
        ...

    def looked_at(self, connection: Connection, device: str) -> datetime | None:
        """When the device's ports were last looked at: from then on they may have other names."""
        ...
