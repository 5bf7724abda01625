"""Decides what a simulated router is to SNMP: ports that carry traffic while they are up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Port:
    """One port. ``peer`` is (router, port) at the other end, None for a customer port.

    Octets grow by ``rate_in`` and ``rate_out`` per second while the port is up.
    """

    name: str
    index: int
    mac: bytes
    peer: tuple[str, str] | None = None
    speed: int = 1_000_000_000
    rate_in: int = 12_500
    rate_out: int = 25_000
    up: bool = True
    changed: float = 0.0
    _carried: float = 0.0

    def turn(self, now: float, *, up: bool) -> None:
        """Bring the port up or down at ``now`` (seconds since the router's start)."""
        self._carried = self.carried(now)
        self.up, self.changed = up, now

    def carried(self, now: float) -> float:
        """Seconds the port has been up in all."""
        return self._carried + (now - self.changed if self.up else 0.0)


@dataclass(slots=True)
class Router:
    """A router as its agent shows it; ``monotonic`` is its clock, its start is time 0."""

    name: str
    monotonic: Callable[[], float]
    ports: dict[str, Port] = field(default_factory=dict[str, Port])
    router_id: str = "0.0.0.0"  # noqa: S104 - BGP4-MIB's word for no identifier, not a bind
    description: str = "oss-agent simulated router"
    settings: Callable[[str], tuple[bool, str]] = lambda _port: (True, "")
    """configured (enabled, description) of a port, from the device's running"""
    neighbours: Callable[[Port], Port | None] = lambda _port: None
    """the port at the other end of a live link"""
    managed_at: Callable[[Port], str] = lambda _port: ""
    """the IPv4 address that the router at the other end announces, "" of none"""
    started: float = 0.0

    def __post_init__(self) -> None:
        """Start now."""
        self.started = self.monotonic()

    def age(self) -> float:
        """Seconds since its start."""
        return self.monotonic() - self.started

    def ticks(self) -> int:
        """sysUpTime: 1/100 s since its start."""
        return int(self.age() * 100)
