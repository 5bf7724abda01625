"""Decides which ports have a test point: the far end of a declared link that can send packets.

A test point is what offers the capability ``probe`` in its hello, whatever its platform; its
service side are the addresses on the port where the declared link ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from inventory import history, offering, tables, topology
from oss_agent.spi import device, ledger


def by_port(connection: sa.Connection, tenant: str) -> Mapping[topology.End, ledger.TestPoint]:
    """(device, port) -> the test point that is attached there."""
    probes = offering.devices(connection, tenant, device.Capability.PROBE)
    addresses = _addresses(connection, tenant)
    found: dict[topology.End, ledger.TestPoint] = {}
    for near, far in _ends(connection, tenant):
        if far[0] in probes and near[0] not in probes and far in addresses:
            first = addresses[far][0].partition("/")[0]
            found[near] = ledger.TestPoint(far[0], first, addresses[far])
    return found


def ports_of(connection: sa.Connection, tenant: str, name: str) -> tuple[str, ...]:
    """The device's own ports on which declared links end: what a test point is asked about."""
    return tuple(sorted({near[1] for near, _ in _ends(connection, tenant) if near[0] == name}))


def _addresses(connection: sa.Connection, tenant: str) -> Mapping[topology.End, tuple[str, ...]]:
    """The addresses on every port, in order, with their prefix lengths where those are known."""
    c = tables.addresses.c
    query = sa.select(c.device, c.interface, c.address, c.prefix).where(
        history.current(tables.addresses), c.tenant == tenant
    )
    found: defaultdict[topology.End, list[str]] = defaultdict(list)
    for name, port, address, prefix in connection.execute(query.order_by(c.address)):
        found[name, port].append(address if prefix is None else f"{address}/{prefix}")
    return {end: tuple(several) for end, several in found.items()}


def _ends(connection: sa.Connection, tenant: str) -> Iterator[tuple[topology.End, topology.End]]:
    """Both directions of every declared link."""
    c = tables.links.c
    query = sa.select(c.a_device, c.a_port, c.z_device, c.z_port).where(
        history.current(tables.links), c.tenant == tenant
    )
    for a_device, a_port, z_device, z_port in connection.execute(query):
        yield (a_device, a_port), (z_device, z_port)
        yield (z_device, z_port), (a_device, a_port)
