"""What discovery learned of one device. None means not learned: what was known before stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class InterfaceFact:
    """A port as the device describes it; ``speed`` in bit/s, ``mac`` as ``aa:bb:cc:dd:ee:ff``.

    ``description`` is what an operator wrote (ifAlias), ``descr`` what the maker did (ifDescr);
    ``place`` is slot and port in the chassis, where ENTITY-MIB tells.
    """

    name: str
    index: int | None
    admin_status: str
    oper_status: str
    speed: int | None = None
    mac: str | None = None
    description: str = ""
    descr: str = ""
    place: str | None = None


@dataclass(frozen=True, slots=True)
class AddressFact:
    """An address on a port; ``prefix`` is its length when known."""

    interface: str
    address: str
    prefix: int | None = None


@dataclass(frozen=True, slots=True)
class NeighbourFact:
    """What LLDP said on ``port``: chassis as ``<subtype>:<hex>``, the port's id and its subtype.

    CDP said it where the chassis is ``cdp:<hex>``; ``address`` is one the neighbour is managed by,
    ``description`` its sysDescr, ``model`` what CDP calls its platform, ``capabilities`` what it does
    (``bridge router``).
    """

    port: str
    chassis: str
    port_subtype: int
    port_id: str
    port_description: str = ""
    system_name: str = ""
    address: str = ""
    description: str = ""
    model: str = ""
    capabilities: str = ""


@dataclass(frozen=True, slots=True)
class LabelFact:
    """What a port is called beside its name: ``lldp_id`` (``<subtype>:<text>``) is what it announces.

    ``bundle`` is the aggregate it is a member of.
    """

    port: str
    lldp_id: str | None = None
    bundle: str | None = None


@dataclass(frozen=True, slots=True)
class ComponentFact:
    """A part of a device: chassis, module, power supply, fan, optic, port, sensor.

    ``place`` is the way down from the top of its box, ``parent`` the place of what contains it;
    ``interface`` the port that it is, where it is one.
    """

    place: str
    kind: str
    name: str
    parent: str | None = None
    description: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    hardware: str = ""
    firmware: str = ""
    software: str = ""
    replaceable: bool | None = None
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class LogicalFact:
    """Something configured that has a name in its device: a VLAN, a VRF, a routing neighbour."""

    kind: str
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StationFact:
    """What is behind a port: resolved with its ``address``, or learned by a bridge.

    ``many`` is how many a bridge learned there, at least, where too many to keep; then ``mac`` is "".
    """

    port: str
    mac: str
    address: str = ""
    many: int | None = None


PORTS: Final = "ports"
ADDRESSES: Final = "addresses"
NEIGHBOURS: Final = "neighbours"
LABELS: Final = "bundles"
PARTS: Final = "parts"
STATIONS: Final = "stations"
"""What of a device may be cut short by itself; beside them the kinds of ``LogicalFact``."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device's answers. ``complete`` is False when a walk was cut short: nothing then ends.

    ``serials`` are its chassis', ``engine_id`` its SNMP engine's in hex, ``uptime`` in 1/100 s, told at
    ``uptime_at`` (None: when it is written).
    ``called`` is what it calls itself in LLDP and CDP. ``cut`` says what was cut short, where that is
    known: the rest is whole.
    """

    device: str
    chassis: str | None = None
    description: str | None = None
    system_name: str | None = None
    router_id: str | None = None
    serials: tuple[str, ...] | None = None
    engine_id: str | None = None
    uptime: int | None = None
    uptime_at: datetime | None = None
    offers: tuple[str, ...] | None = None
    interfaces: tuple[InterfaceFact, ...] | None = None
    addresses: tuple[AddressFact, ...] | None = None
    neighbours: tuple[NeighbourFact, ...] | None = None
    labels: tuple[LabelFact, ...] | None = None
    called: tuple[str, ...] | None = None
    components: tuple[ComponentFact, ...] | None = None
    logical: Mapping[str, tuple[LogicalFact, ...]] | None = None
    stations: tuple[StationFact, ...] | None = None
    complete: bool = True
    cut: tuple[str, ...] = ()

    def whole(self, part: str) -> bool:
        """Was all of this read? Nothing is, where ports lack: everything is told by its port."""
        return self.complete or (bool(self.cut) and not {part, PORTS} & set(self.cut))
