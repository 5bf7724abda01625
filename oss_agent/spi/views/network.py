"""What is shown of devices, their ports, and the links between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class InterfaceView:
    """A port of a device: stable name, the current ifIndex as a handle, last seen status.

    ``place`` is slot and port in its chassis; ``formerly`` what it was called before it was renamed;
    ``missing_since``: the device does not show it any more.
    """

    device: str
    name: str
    index: int | None
    admin_status: str
    oper_status: str
    speed: int | None
    mac: str | None
    description: str
    services: tuple[str, ...] = ()
    place: str | None = None
    formerly: tuple[str, ...] = ()
    missing_since: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LogicalView:
    """What a device says it has by name: ``kind`` is vlan, vrf, bgp-neighbour or ospf-neighbour."""

    kind: str
    name: str
    attributes: Mapping[str, Any]
    since: datetime


@dataclasses.dataclass(frozen=True, slots=True)
class StrangerView:
    """What a neighbour says of itself by LLDP and CDP, and what it seems to be by that.

    ``said`` are its descriptions, ``capabilities`` words (``bridge router``). "" is not told, of ``os``
    and ``vendor`` not known; ``doubt`` says why not.
    """

    name: str
    chassis: str
    address: str = ""
    said: tuple[str, ...] = ()
    capabilities: str = ""
    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    platform: str = ""
    doubt: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class HeardView:
    """Who a device hears on a port, as it was told: ``missed`` when its last reading lacks it."""

    port: str
    protocol: str
    port_id: str
    it: StrangerView
    since: datetime
    missed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceView:
    """A device: identity, platform, trust, reachability, what discovery found."""

    id: str
    tenant: str
    name: str
    platform: str
    address: str
    role: str
    site: str
    trusted: bool
    fingerprints: tuple[str, ...]
    managed: bool
    serial: str | None
    description: str | None
    last_seen: datetime | None
    unreachable_since: datetime | None
    reason: str
    interfaces: tuple[InterfaceView, ...] = ()
    logical: tuple[LogicalView, ...] = ()
    standing: str = ""
    """proven, read-only, unproven (the settings let it be written to all the same) or listed"""
    doubt: str = ""
    """why it is not proven"""
    version: str = ""
    model: str = ""
    neighbours: tuple[HeardView, ...] = ()
    """by LLDP and CDP, as they were told: the first by port"""
    neighbours_heard: int = 0
    """how many there are in all"""
    login: str = ""
    """since when its stored login is refused, and when it is sent again; "" while it is taken"""


class Confidence(StrEnum):
    """How sure a link is."""

    AGREED = "agreed"
    """each end hears the other"""
    ONE_SIDED = "one-sided"
    """one end hears the other, which says nothing else"""
    CONTRADICTORY = "contradictory"
    """one end hears the other, which hears somebody else there"""
    STALE = "stale"
    """it was heard, and is not any more; or who heard it does not answer"""
    DECLARED = "declared"
    """a file says so, no device does"""


@dataclasses.dataclass(frozen=True, slots=True)
class WitnessView:
    """What one end of a link said of the other; ``how`` it was recognised, in words.

    ``missed``: its last reading did not have it any more.
    """

    device: str
    port: str
    protocol: str
    chassis: str
    port_id: str
    system_name: str
    how: str
    last_heard: datetime
    missed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class LinkView:
    """A link with its evidence: both ends agree, one-sided, declared by a topology file.

    ``reason`` says why it is not surer, "" when nothing is amiss. A link between bundles has its
    ``members``, whose ends are the ports in them. The device of an end that is not managed is its
    chassis id (it has a colon), ``neighbour`` what that end calls itself, ``stranger`` what it says it is.
    """

    a_device: str
    a_port: str
    z_device: str
    z_port: str
    evidence: str
    last_seen: datetime
    confidence: Confidence = Confidence.DECLARED
    reason: str = ""
    since: datetime | None = None
    witnesses: tuple[WitnessView, ...] = ()
    members: tuple[LinkView, ...] = ()
    neighbour: str = ""
    declared: bool = False
    """a topology file says so, whatever the ends say"""
    stranger: StrangerView | None = None
