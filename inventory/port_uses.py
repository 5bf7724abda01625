"""Decides which ports the network itself uses, so that no customer's service may take them.

A port with a link to a device that takes configuration carries everybody's traffic; a port with an
address is routed, or is how the device is managed. A customer's port has neither, but a service may
put an address there: one that came while a service had the port is that service's, and goes with it.
A far end that was never discovered is nobody's proof: it may be the customer's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from inventory import history, link_rows, offering, tables, topology
from oss_agent.spi import device


def by_port(connection: sa.Connection, tenant: str) -> Mapping[topology.End, str]:
    """(device, port) -> what the network uses it for, in words."""
    return {**_addressed(connection, tenant), **_linked(connection, tenant)}


def _linked(connection: sa.Connection, tenant: str) -> Mapping[topology.End, str]:
    ours = offering.devices(connection, tenant, device.Capability.CONFIGURE)
    found: dict[topology.End, str] = {}
    for link in link_rows.links(connection, tenant):
        a, z = (link.a_device, link.a_port), (link.z_device, link.z_port)
        if a[0] in ours and z[0] in ours:
            found[a] = f"it is linked to {':'.join(z)} ({link.evidence})"
            found[z] = f"it is linked to {':'.join(a)} ({link.evidence})"
    return found


def _addressed(connection: sa.Connection, tenant: str) -> Mapping[topology.End, str]:
    c, claim = tables.addresses.c, tables.port_claims.c
    query = (
        sa.select(c.device, c.interface, c.address)
        .join_from(tables.addresses, tables.port_claims, _brought(), isouter=True)
        .where(history.current(tables.addresses), c.tenant == tenant, claim.row.is_(None))
    )
    rows = connection.execute(query.order_by(c.address))
    return {(device, port): f"it has the address {address}" for device, port, address in rows}


def _brought() -> sa.ColumnElement[bool]:
    """The claim during which an address came, unless it outlived that claim."""
    c, claim, seen = tables.addresses.c, tables.port_claims.c, tables.sightings.c
    seen_after = sa.select(seen.device).where(
        seen.device == claim.device, seen.discovered_at > claim.valid_to
    )
    return sa.and_(
        claim.device == c.device,
        claim.port == c.interface,
        claim.known_to.is_(None),
        claim.valid_from <= c.valid_from,
        sa.or_(
            claim.valid_to.is_(None),
            sa.and_(c.valid_from < claim.valid_to, ~sa.exists(seen_after)),
        ),
    )
