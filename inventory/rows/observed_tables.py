"""Decides how what polls and discovery saw is stored: devices, ports, parts, neighbours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows.column_types import Json
from inventory.rows.fact_tables import METADATA, Fact, current, only_one, over, past
from oss_agent.moment import Moment


class DeviceState(Fact):
    """OBSERVED: what a device said about itself. ``offers`` are capability words of its hello.

    ``chassis`` is the LLDP chassis identity as ``<subtype>:<hex>``, ``serials`` those of its chassis
    (a stack has several), ``engine_id`` its SNMP engine (RFC 3411) in hex. ``called`` is what it calls
    itself in LLDP and CDP.
    """

    device: sa.Named[str]
    chassis: sa.Named[str | None]
    description: sa.Named[str | None]
    system_name: sa.Named[str | None]
    router_id: sa.Named[str | None]
    offers: sa.Named[list[Any] | None] = sa.Column(Json)
    serials: sa.Named[list[Any] | None] = sa.Column(Json)
    called: sa.Named[list[Any] | None] = sa.Column(Json)
    engine_id: sa.Named[str | None]


device_states = sa.Table(
    "inv_device_states",
    METADATA,
    DeviceState,
    only_one("uq_inv_device_states_current", "device"),
    past("ix_inv_device_states_device", "device"),
    current("ix_inv_device_states_chassis", "chassis"),
    current("ix_inv_device_states_engine_id", "engine_id"),
)


class DeviceWord(sa.TypedColumns):
    """An index over what devices call themselves now (``DeviceState``), folded: written with it."""

    device: sa.Named[str] = sa.Column(primary_key=True)
    word: sa.Named[str] = sa.Column(primary_key=True)
    tenant: sa.Named[str]


device_words = sa.Table(
    "inv_device_words", METADATA, DeviceWord, sa.Index("ix_inv_device_words_word", "word")
)


class Sighting(sa.TypedColumns):
    """When a device last answered, overwritten at each answer: no history is worth a row per poll.

    ``discovered_at`` is when its neighbours were last read completely, ``ports_at`` its ports, and
    ``uptime`` what sysUpTime (1/100 s) was at that moment. ``stirred_at``: a poll saw what no look has.
    ``readings`` are the last times when its neighbours were read, newest first. ``digests`` stand for
    what the last look wrote, by table.
    """

    device: sa.Named[str] = sa.Column(primary_key=True)
    tenant: sa.Named[str]
    last_seen: sa.Named[datetime | None] = sa.Column(Moment)
    unreachable_since: sa.Named[datetime | None] = sa.Column(Moment)
    discovered_at: sa.Named[datetime | None] = sa.Column(Moment)
    reason: sa.Named[str] = sa.Column(default="")
    ports_at: sa.Named[datetime | None] = sa.Column(Moment)
    uptime: sa.Named[int | None] = sa.Column(sa.BigInteger)
    stirred_at: sa.Named[datetime | None] = sa.Column(Moment)
    readings: sa.Named[list[Any] | None] = sa.Column(Json)
    digests: sa.Named[dict[str, Any] | None] = sa.Column(Json)


sightings = sa.Table("inv_sightings", METADATA, Sighting)


class Interface(Fact):
    """A port, keyed by its name; ``ifindex`` is a handle that a device may renumber.

    ``identity`` stays when the port is renamed; ``place`` is slot and port in its chassis (``0/1/3``).
    ``missing_since``: it is away, in its grace.
    """

    ledger: sa.Named[str]
    device: sa.Named[str]
    name: sa.Named[str]
    ifindex: sa.Named[int | None] = sa.Column(sa.BigInteger)
    admin_status: sa.Named[str] = sa.Column(default="unknown")
    oper_status: sa.Named[str] = sa.Column(default="unknown")
    speed: sa.Named[int | None] = sa.Column(sa.BigInteger)
    mac: sa.Named[str | None]
    description: sa.Named[str] = sa.Column(default="")
    descr: sa.Named[str] = sa.Column(default="", server_default="")
    place: sa.Named[str | None]
    identity: sa.Named[str] = sa.Column(default="", server_default="")
    missing_since: sa.Named[datetime | None] = sa.Column(Moment)


interfaces = sa.Table(
    "inv_interfaces",
    METADATA,
    Interface,
    only_one("uq_inv_interfaces_current", "ledger", "device", "name"),
    past("ix_inv_interfaces_port", "device", "name"),
    sa.Index("ix_inv_interfaces_identity", "device", "identity"),
    current("ix_inv_interfaces_mac", "mac"),
)


class Component(Fact):
    """OBSERVED: a part of a device, known by its place in it; ``interface`` is the port that it is."""

    device: sa.Named[str]
    place: sa.Named[str]
    kind: sa.Named[str]
    name: sa.Named[str]
    parent: sa.Named[str | None]
    description: sa.Named[str]
    maker: sa.Named[str]
    model: sa.Named[str]
    serial: sa.Named[str]
    hardware: sa.Named[str]
    firmware: sa.Named[str]
    software: sa.Named[str]
    replaceable: sa.Named[bool | None]
    interface: sa.Named[str | None]


components = sa.Table(
    "inv_components",
    METADATA,
    Component,
    only_one("uq_inv_components_current", "device", "place"),
    current("ix_inv_components_serial", "serial"),
)


class Logical(Fact):
    """OBSERVED: a VLAN, VRF or routing neighbour of a device, by kind and name."""

    device: sa.Named[str]
    kind: sa.Named[str]
    name: sa.Named[str]
    attributes: sa.Named[dict[str, Any]] = sa.Column(Json)


logical = sa.Table(
    "inv_logical",
    METADATA,
    Logical,
    only_one("uq_inv_logical_current", "device", "kind", "name"),
    past("ix_inv_logical_name", "device", "kind", "name"),
)


class Address(Fact):
    """OBSERVED: an address on a device's port, literal without scope."""

    device: sa.Named[str]
    interface: sa.Named[str]
    address: sa.Named[str]
    prefix: sa.Named[int | None]


addresses = sa.Table(
    "inv_addresses",
    METADATA,
    Address,
    only_one("uq_inv_addresses_current", "device", "interface", "address"),
    sa.Index("ix_inv_addresses_address", "address"),
)


class Station(Fact):
    """OBSERVED: what is behind a port, by an ARP or neighbour table (``address``) or a bridge's.

    ``many``: how many a bridge learned there, at least, where they are not kept; ``mac`` is "" then.
    """

    device: sa.Named[str]
    port: sa.Named[str]
    mac: sa.Named[str]
    address: sa.Named[str]
    many: sa.Named[int | None] = sa.Column(sa.BigInteger)


stations = sa.Table(
    "inv_stations",
    METADATA,
    Station,
    only_one("uq_inv_stations_current", "device", "port", "mac", "address"),
    sa.Index("ix_inv_stations_mac", "mac"),
    sa.Index("ix_inv_stations_address", "address"),
    over("ix_inv_stations_valid_to", "valid_to"),
    over("ix_inv_stations_known_to", "known_to"),
)


class PortLabel(Fact):
    """OBSERVED: what a port announces itself as in LLDP, and the bundle it is a member of."""

    device: sa.Named[str]
    port: sa.Named[str]
    lldp_id: sa.Named[str | None]
    bundle: sa.Named[str | None]


port_labels = sa.Table(
    "inv_port_labels",
    METADATA,
    PortLabel,
    only_one("uq_inv_port_labels_current", "device", "port"),
)


class Neighbour(Fact):
    """OBSERVED: what LLDP (IEEE 802.1AB) or CDP said on one port, unresolved.

    Which device it is, is decided when read: the other end may be discovered later. ``heard_until``
    is set while the last reading does not have it; ``address`` is where it is managed, if it said so.
    ``description``, ``model`` and ``capabilities`` are what it says it is (``facts.NeighbourFact``).
    """

    device: sa.Named[str]
    port: sa.Named[str]
    chassis: sa.Named[str]
    port_subtype: sa.Named[int]
    port_id: sa.Named[str]
    port_description: sa.Named[str]
    system_name: sa.Named[str]
    address: sa.Named[str] = sa.Column(default="", server_default="")
    heard_until: sa.Named[datetime | None] = sa.Column(Moment)
    description: sa.Named[str] = sa.Column(default="", server_default="")
    model: sa.Named[str] = sa.Column(default="", server_default="")
    capabilities: sa.Named[str] = sa.Column(default="", server_default="")


neighbours = sa.Table(
    "inv_neighbours",
    METADATA,
    Neighbour,
    only_one("uq_inv_neighbours_current", "device", "port", "chassis", "port_id"),
    current("ix_inv_neighbours_chassis", "chassis"),
    current("ix_inv_neighbours_system_name", "system_name"),
    current("ix_inv_neighbours_address", "address"),
)
