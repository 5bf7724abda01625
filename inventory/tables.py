"""Decides how what exists is stored: who is planned, what was configured, what was observed.

Three ledgers are kept apart and never overwrite each other: PLANNED is what an order or an
operator's file says should exist, CONFIGURED is what was read back from a device, OBSERVED is what
polls and discovery saw. Every ledger row is a version of a fact with two times: valid (when it was
true of the network) and known (when we believed it); ``inventory.history`` is the only module that
writes them. The partial unique indexes over current rows are the only truth about who holds what.
No foreign key crosses rooms: orders are ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.column_types import Json
from oss_agent.moment import Moment

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_FIRST_STORE = "netconf"
"""Rows from before stores were told apart: every platform had this one."""

PLANNED = "planned"
OBSERVED = "observed"


class Fact(sa.TypedColumns):
    """What every ledger row has. ``row`` is the version; the key lies in the table's own columns."""

    row: sa.Named[int] = sa.Column(sa.Integer, primary_key=True)
    tenant: sa.Named[str]
    valid_from: sa.Named[datetime] = sa.Column(Moment)
    valid_to: sa.Named[datetime | None] = sa.Column(Moment)
    known_from: sa.Named[datetime] = sa.Column(Moment)
    known_to: sa.Named[datetime | None] = sa.Column(Moment)


_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def _only_one(name: str, *columns: str, where: str = "") -> sa.Index:
    """At most one current row has these values; ``where`` narrows which current rows count."""
    condition = sa.text(f"{_CURRENT.text} AND {where}") if where else _CURRENT
    return sa.Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def _current(name: str, *columns: str) -> sa.Index:
    """Finds current rows by these columns, in their order."""
    return sa.Index(name, *columns, sqlite_where=_CURRENT, postgresql_where=_CURRENT)


class Device(Fact):
    """PLANNED: a device as an operator's file describes it. Secrets are references only.

    ``ports`` maps protocol to port; ``source`` is the lab the file describes.
    """

    name: sa.Named[str]
    source: sa.Named[str]
    kind: sa.Named[str]
    platform: sa.Named[str]
    managed: sa.Named[bool]
    reason: sa.Named[str]
    address: sa.Named[str]
    role: sa.Named[str]
    site: sa.Named[str]
    username: sa.Named[str]
    password_ref: sa.Named[str | None]
    community_ref: sa.Named[str | None]
    ports: sa.Named[dict[str, Any]] = sa.Column(Json)
    router_id: sa.Named[str | None]


devices = sa.Table("inv_devices", METADATA, Device, _only_one("uq_inv_devices_current", "name"))


class DeviceKey(Fact):
    """A pinned SSH host key: an OpenSSH public key, and who accepted it."""

    device: sa.Named[str]
    key: sa.Named[str]
    fingerprint: sa.Named[str]
    accepted_by: sa.Named[str]


device_keys = sa.Table(
    "inv_device_keys", METADATA, DeviceKey, _only_one("uq_inv_device_keys_current", "device", "key")
)


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
    _only_one("uq_inv_device_states_current", "device"),
    _current("ix_inv_device_states_chassis", "chassis"),
    _current("ix_inv_device_states_engine_id", "engine_id"),
)


class Sighting(sa.TypedColumns):
    """When a device last answered, overwritten at each answer: no history is worth a row per poll.

    ``discovered_at`` is when its neighbours were last read completely, ``ports_at`` its ports, and
    ``uptime`` what sysUpTime (1/100 s) was then. ``stirred_at``: a poll saw what no look has.
    ``readings`` are the last times when its neighbours were read, newest first.
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
    _only_one("uq_inv_interfaces_current", "ledger", "device", "name"),
    sa.Index("ix_inv_interfaces_identity", "device", "identity"),
    _current("ix_inv_interfaces_mac", "mac"),
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
    _only_one("uq_inv_components_current", "device", "place"),
    _current("ix_inv_components_serial", "serial"),
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
    _only_one("uq_inv_logical_current", "device", "kind", "name"),
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
    _only_one("uq_inv_addresses_current", "device", "interface", "address"),
    sa.Index("ix_inv_addresses_address", "address"),
)


class Link(Fact):
    """PLANNED: a link that a topology file declares; ends in canonical order (a before z)."""

    source: sa.Named[str]
    a_device: sa.Named[str]
    a_port: sa.Named[str]
    z_device: sa.Named[str]
    z_port: sa.Named[str]


links = sa.Table(
    "inv_links",
    METADATA,
    Link,
    _only_one("uq_inv_links_current", "a_device", "a_port", "z_device", "z_port"),
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
    _only_one("uq_inv_port_labels_current", "device", "port"),
)


class Neighbour(Fact):
    """OBSERVED: what LLDP (IEEE 802.1AB) or CDP said on one port, unresolved.

    Which device it is, is decided when read: the other end may be discovered later. ``heard_until``
    is set while the last reading does not have it; ``address`` is where it is managed, if it said so.
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


neighbours = sa.Table(
    "inv_neighbours",
    METADATA,
    Neighbour,
    _only_one("uq_inv_neighbours_current", "device", "port", "chassis", "port_id"),
)


class Case(Fact):
    """What a person should look at: ``evidence`` is what was seen, and what an acceptance is of."""

    id: sa.Named[str]
    device: sa.Named[str]
    subject: sa.Named[str]
    kind: sa.Named[str]
    evidence: sa.Named[str]
    text: sa.Named[str]
    cause: sa.Named[str]
    action: sa.Named[str]
    accepted_by: sa.Named[str | None]
    accepted_at: sa.Named[datetime | None] = sa.Column(Moment)


cases = sa.Table(
    "inv_cases",
    METADATA,
    Case,
    _only_one("uq_inv_cases_current", "tenant", "id"),
    _current("ix_inv_cases_device", "device", "kind"),
)


class Service(Fact):
    """PLANNED: a service and its states. ``retired`` ends its row, so it is not a state.

    ``resumed_at`` is when it was last brought back from a suspension.
    """

    id: sa.Named[str]
    name: sa.Named[str]
    category: sa.Named[str]
    specification_id: sa.Named[str]
    specification_version: sa.Named[str]
    specification_name: sa.Named[str]
    characteristics: sa.Named[dict[str, Any]] = sa.Column(Json)
    customer: sa.Named[str]
    order_id: sa.Named[str]
    parent: sa.Named[str | None]
    state: sa.Named[str]
    operating_status: sa.Named[str]
    cause: sa.Named[str | None]
    status_since: sa.Named[datetime] = sa.Column(Moment)
    service_date: sa.Named[datetime] = sa.Column(Moment)
    start_date: sa.Named[datetime | None] = sa.Column(Moment)
    end_date: sa.Named[datetime | None] = sa.Column(Moment)
    resumed_at: sa.Named[datetime | None] = sa.Column(Moment)


services = sa.Table(
    "inv_services",
    METADATA,
    Service,
    _only_one("uq_inv_services_current", "id"),
    sa.Index("ix_inv_services_parent", "parent"),
    # What lists are sorted by, with what they are mostly filtered by: a page far behind costs no more.
    _current("ix_inv_services_by_name", "tenant", "name", "id", "state", "category"),
    _current("ix_inv_services_by_start", "tenant", "start_date", "id", "state", "category"),
)


class ServiceResource(Fact):
    """PLANNED: a port that a service stands on; ``meter`` when its octets are the service's usage.

    ``formerly`` is what the port was called before it was renamed under the service.
    """

    service: sa.Named[str]
    device: sa.Named[str]
    port: sa.Named[str]
    meter: sa.Named[bool]
    formerly: sa.Named[str | None]


service_resources = sa.Table(
    "inv_service_resources",
    METADATA,
    ServiceResource,
    _only_one("uq_inv_service_resources_current", "service", "device", "port"),
    sa.Index("ix_inv_service_resources_port", "device", "port"),
)


class Product(Fact):
    """PLANNED: what a customer bought and its status; ``characteristics`` as ordered in all.

    ``order_id`` and ``order_item`` name the product order item that made it.
    """

    id: sa.Named[str]
    name: sa.Named[str]
    status: sa.Named[str]
    offering_id: sa.Named[str]
    offering_version: sa.Named[str]
    offering_name: sa.Named[str]
    characteristics: sa.Named[dict[str, Any]] = sa.Column(Json)
    customer: sa.Named[str]
    order_id: sa.Named[str]
    order_item: sa.Named[str]
    order_date: sa.Named[datetime] = sa.Column(Moment)
    start_date: sa.Named[datetime | None] = sa.Column(Moment)
    termination_date: sa.Named[datetime | None] = sa.Column(Moment)


products = sa.Table("inv_products", METADATA, Product, _only_one("uq_inv_products_current", "id"))


class ProductService(Fact):
    """PLANNED: the service that realizes a part of a product; a service is of one product at most."""

    product: sa.Named[str]
    part: sa.Named[str]
    service: sa.Named[str]


product_services = sa.Table(
    "inv_product_services",
    METADATA,
    ProductService,
    _only_one("uq_inv_product_services_part", "product", "part"),
    _only_one("uq_inv_product_services_service", "service"),
)


class PortClaim(Fact):
    """A port held exclusively by one service."""

    device: sa.Named[str]
    port: sa.Named[str]
    service: sa.Named[str]
    order_id: sa.Named[str]


port_claims = sa.Table(
    "inv_port_claims",
    METADATA,
    PortClaim,
    _only_one("uq_inv_port_claims_current", "device", "port"),
    sa.Index("ix_inv_port_claims_service", "service"),
)


class Ownership(Fact):
    """A configuration path that a service owns; several services may own one path.

    ``store`` is the device's configuration store that holds it.
    """

    device: sa.Named[str]
    store: sa.Named[str] = sa.Column(server_default=_FIRST_STORE)
    path: sa.Named[str]
    service: sa.Named[str]
    order_id: sa.Named[str]


ownership = sa.Table(
    "inv_ownership",
    METADATA,
    Ownership,
    _only_one("uq_inv_ownership_current", "device", "store", "path", "service"),
    sa.Index("ix_inv_ownership_service", "service", "device", "store"),
)


class Configured(Fact):
    """CONFIGURED: the subtree read back from a device for a service (JSON of spi.tree)."""

    device: sa.Named[str]
    store: sa.Named[str] = sa.Column(server_default=_FIRST_STORE)
    service: sa.Named[str]
    tree: sa.Named[dict[str, Any]] = sa.Column(Json)


configured = sa.Table(
    "inv_configured",
    METADATA,
    Configured,
    _only_one("uq_inv_configured_current", "device", "store", "service"),
    sa.Index("ix_inv_configured_service", "service"),
)


class Pool(Fact):
    """A range of whole numbers, both ends included, of a ``kind`` and perhaps an ``administrator``.

    With a ``prefix`` the numbers count its addresses, its prefixes of ``length``, or, with a
    ``longest``, its prefixes of that length, of which a value may be several. ``quarantine`` is how
    long (s) a released value rests at least, ``unseen`` when nobody saw that the devices lost it.
    """

    name: sa.Named[str]
    first: sa.Named[int] = sa.Column(sa.BigInteger)
    last: sa.Named[int] = sa.Column(sa.BigInteger)
    quarantine: sa.Named[float]
    prefix: sa.Named[str | None]
    length: sa.Named[int | None]
    longest: sa.Named[int | None]
    kind: sa.Named[str] = sa.Column(server_default="number")
    administrator: sa.Named[str | None]
    unseen: sa.Named[float] = sa.Column(server_default="0")


pools = sa.Table("inv_pools", METADATA, Pool, _only_one("uq_inv_pools_current", "name"))


class PoolClaim(Fact):
    """A value of a pool and the key it belongs to. ``released_at`` set: it rests in quarantine.

    ``text`` is the value as it is written; NULL in rows of the first release: the number itself.
    ``size`` is how many numbers it is; NULL: one. With ``expires_at`` it is only reserved until
    then. ``absent_at`` is when the devices were seen to be without it, ``absence`` what showed it.
    """

    pool: sa.Named[str]
    value: sa.Named[int] = sa.Column(sa.BigInteger)
    size: sa.Named[int | None] = sa.Column(sa.BigInteger)
    text: sa.Named[str | None]
    key: sa.Named[str]
    released_at: sa.Named[datetime | None] = sa.Column(Moment)
    expires_at: sa.Named[datetime | None] = sa.Column(Moment)
    absent_at: sa.Named[datetime | None] = sa.Column(Moment)
    absence: sa.Named[str | None]


pool_claims = sa.Table(
    "inv_pool_claims",
    METADATA,
    PoolClaim,
    _only_one("uq_inv_pool_claims_value", "pool", "value"),
    _only_one("uq_inv_pool_claims_key", "pool", "key", where="released_at IS NULL"),
    sa.Index("ix_inv_pool_claims_holder", "key"),
)
