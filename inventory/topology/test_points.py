"""Decides which ports have a test point: the far end of a declared link that can send packets.

A test point is what offers the capability ``probe`` in its hello, whatever its platform; its
service side are the addresses on the port where the declared link ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

import sqlalchemy as sa

from inventory.rows import history, offering, tables
from inventory.topology import neighbour_identity
from oss_agent.spi import device, ledger

_A, _L = tables.addresses.c, tables.links.c
_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_ADDRESSES = (
    sa.select(_A.device, _A.interface, _A.address, _A.prefix)
    .where(history.current(tables.addresses), _A.tenant == _TENANT, _A.device.in_(_THESE))
    .order_by(_A.address)
)
_LINKS = sa.select(_L.a_device, _L.a_port, _L.z_device, _L.z_port).where(
    history.current(tables.links),
    _L.tenant == _TENANT,
    sa.or_(_L.a_device.in_(_THESE), _L.z_device.in_(_THESE)),
)
"""Made once: to build a statement costs several times as much as to run it."""


def by_port(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Mapping[neighbour_identity.End, ledger.TestPoint]:
    """(device, port) -> the test point that is attached there; for the ports of these devices."""
    ends = list(_ends(connection, tenant, devices))
    names = {name for (name, _), _ in ends}
    probes = offering.devices(connection, tenant, names, device.Capability.PROBE)
    addresses = _addresses(connection, tenant, probes)
    found: dict[neighbour_identity.End, ledger.TestPoint] = {}
    for near, far in ends:
        if far[0] in probes and near[0] not in probes and far in addresses:
            first = addresses[far][0].partition("/")[0]
            found[near] = ledger.TestPoint(far[0], first, addresses[far])
    return found


def ports_of(connection: sa.Connection, tenant: str, name: str) -> tuple[str, ...]:
    """The device's own ports on which declared links end: what a test point is asked about."""
    ends = _ends(connection, tenant, (name,))
    return tuple(sorted({near[1] for near, _ in ends if near[0] == name}))


def _addresses(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Mapping[neighbour_identity.End, tuple[str, ...]]:
    """The addresses on every port, in order, with their prefix lengths where those are known."""
    found: defaultdict[neighbour_identity.End, list[str]] = defaultdict(list)
    asked = {"at_tenant": tenant, "at_devices": list(devices)}
    for name, port, address, prefix in connection.execute(_ADDRESSES, asked):
        found[name, port].append(address if prefix is None else f"{address}/{prefix}")
    return {end: tuple(several) for end, several in found.items()}


def _ends(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Iterator[tuple[neighbour_identity.End, neighbour_identity.End]]:
    """Both directions of every declared link of these devices."""
    asked = {"at_tenant": tenant, "at_devices": list(devices)}
    for a_device, a_port, z_device, z_port in connection.execute(_LINKS, asked):
        yield (a_device, a_port), (z_device, z_port)
        yield (z_device, z_port), (a_device, a_port)
