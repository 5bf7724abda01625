"""Decides which ports the network itself uses, so that no customer's service may take them.

A port with a link to a device that takes configuration carries everybody's traffic; a port with an
address is routed, or is how the device is managed. A customer's port has neither, but a service may
put an address there: one that came while a service had the port is that service's, and goes with it.
One that was there before is its own while it has the port: only an adoption is given such a port.
A far end of ours that nobody could log in to (it is only listed, or not looked at yet) is the network's
where a file declares the link or both ends agree; what a port alone hears may be the customer's own. In doubt a port is
the network's: one that hears a device of two that cannot be told apart, and one that had another name
when a file said what it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from inventory.rows import history, offering, tables
from inventory.topology import bundles, link_rows, neighbour_identity, network_devices, topology
from oss_agent.spi import device
from oss_agent.spi.views import Confidence


def by_port(
    connection: sa.Connection, tenant: str, devices: Collection[str], *, adopting: bool = False
) -> Mapping[neighbour_identity.End, str]:
    """(device, port) -> what the network uses it for, in words; for the ports of these devices.

    ``adopting``: to whom makes a service of what is there, an address there says nothing.
    """
    addressed = {} if adopting else _addressed(connection, tenant, devices)
    found = {**addressed, **_linked(connection, tenant, devices)}
    return {**_renamed(connection, tenant, devices, found), **found}


def _linked(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Mapping[neighbour_identity.End, str]:
    seen = link_rows.picture_of(connection, tenant, devices)
    # Each link by itself, too: of a bundle's, one that is heard on the bundle may not be shown.
    links = (*seen.links, *bundles.levels(link_rows.bundled(seen)))
    names = {name for link in links for name in (link.a_device, link.z_device)}
    names |= {name for end, like in seen.doubtful.items() for name in (end[0], *like)}
    ours = offering.devices(connection, tenant, names, device.Capability.CONFIGURE)
    found = _doubted(seen, ours)
    listed = network_devices.presumed(connection, tenant, names - ours)
    for link in links:
        a, z = (link.a_device, link.a_port), (link.z_device, link.z_port)
        sure = link.declared or link.confidence is Confidence.AGREED
        trusted = ours | listed if sure else ours
        if a[0] in trusted and z[0] in trusted:
            found[a] = f"it is linked to {':'.join(z)} ({link.evidence})"
            found[z] = f"it is linked to {':'.join(a)} ({link.evidence})"
    return found


def _doubted(seen: topology.Picture, ours: frozenset[str]) -> dict[neighbour_identity.End, str]:
    return {
        end: f"it hears {' or '.join(sorted(like & ours))}, which cannot be told apart"
        for end, like in seen.doubtful.items()
        if end[0] in ours and like & ours
    }


def _renamed(
    connection: sa.Connection,
    tenant: str,
    devices: Collection[str],
    used: Mapping[neighbour_identity.End, str],
) -> Mapping[neighbour_identity.End, str]:
    """Ports whose first name is used, and no port has it now: a file may still say it."""
    asked = {"at_tenant": tenant, "at_devices": list(devices)}
    first = {
        (device, name): (device, identity[len(device) + 1 :].rpartition("@")[0])
        for device, name, identity in connection.execute(_RENAMED, asked)
    }
    wanted = {end: before for end, before in first.items() if before in used}
    names = {"at_names": sorted({name for _, name in wanted.values()})}
    rows = connection.execute(_THERE, {**asked, **names}) if wanted else ()
    there = {(device, name) for device, name in rows}
    return {
        end: f"it was {before[1]}, and {used[before]}"
        for end, before in wanted.items()
        if before not in there
    }


def _addressed(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Mapping[neighbour_identity.End, str]:
    asked = {"at_tenant": tenant, "at_devices": list(devices)}
    rows = connection.execute(_ADDRESSED, asked)
    return {(device, port): f"it has the address {address}" for device, port, address in rows}


def _brought() -> sa.ColumnElement[bool]:
    """The claim that stands, or during which an address came, unless it outlived that claim."""
    c, claim, seen = tables.addresses.c, tables.port_claims.c, tables.sightings.c
    seen_after = sa.select(seen.device).where(
        seen.device == claim.device, seen.discovered_at > claim.valid_to
    )
    return sa.and_(
        claim.device == c.device,
        claim.port == c.interface,
        claim.known_to.is_(None),
        sa.or_(
            claim.valid_to.is_(None),
            sa.and_(
                claim.valid_from <= c.valid_from,
                c.valid_from < claim.valid_to,
                ~sa.exists(seen_after),
            ),
        ),
    )


_I = tables.interfaces.c
_OBSERVED = sa.and_(
    history.current(tables.interfaces),
    _I.ledger == tables.OBSERVED,
    _I.tenant == sa.bindparam("at_tenant"),
    _I.device.in_(sa.bindparam("at_devices", expanding=True)),
)
_FIRST = _I.device + ":" + _I.name + "@"
_RENAMED = sa.select(_I.device, _I.name, _I.identity).where(
    _OBSERVED,
    _I.identity != "",
    sa.func.substr(_I.identity, 1, sa.func.length(_FIRST)) != _FIRST,
)
_THERE = sa.select(_I.device, _I.name).where(
    _OBSERVED,
    _I.missing_since.is_(None),
    _I.name.in_(sa.bindparam("at_names", expanding=True)),
)
_ADDRESSED = (
    sa.select(tables.addresses.c.device, tables.addresses.c.interface, tables.addresses.c.address)
    .join_from(tables.addresses, tables.port_claims, _brought(), isouter=True)
    .where(
        history.current(tables.addresses),
        tables.addresses.c.tenant == sa.bindparam("at_tenant"),
        tables.addresses.c.device.in_(sa.bindparam("at_devices", expanding=True)),
        tables.port_claims.c.row.is_(None),
    )
    .order_by(tables.addresses.c.address)
)
"""Made once: to build a statement costs several times as much as to run it."""
