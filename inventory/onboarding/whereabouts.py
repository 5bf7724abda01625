"""Decides where an IP or MAC address is: which device says so of which port, by what, and since when.

An address is followed: an IP address to the MAC address that it resolves to, and that one to the ports of
bridges behind which it was learned. A port that hears a neighbour is on the way there, not the place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from inventory.facts import neighbour_ids
from inventory.rows import history, tables
from inventory.words import grammar
from oss_agent import errors
from oss_agent.moment import Moment
from oss_agent.spi.whereabouts import How, Whereabouts

_MOST: Final = 200
"""Answers given of each kind."""
_S, _A, _I = tables.stations.c, tables.addresses.c, tables.interfaces.c


def find(connection: sa.Connection, tenant: str, text: str) -> tuple[Whereabouts, ...]:
    """All that is known, the surest first: its own port, then where it was learned, then the way.

    OrderRejected when the text is neither kind of address.
    """
    mac, address = neighbour_ids.mac_of_text(text, bare=True), grammar.address(text.strip())
    if mac is None and address is None:
        shown = "".join(c if c.isprintable() else " " for c in text[:64])
        raise errors.OrderRejected(f"{shown!r} is neither an IP nor a MAC address", field="of")
    known = [_S.address == address] if address is not None else [_S.mac == mac]
    rows = list(_stations(connection, tenant, *known))
    macs = {mac} if mac is not None else {row["mac"] for row in rows}
    if address is not None and macs:
        rows += _stations(connection, tenant, _S.mac.in_(sorted(macs)), _S.address == "")
    towards = _towards(connection, {row["device"] for row in rows})
    found = [*_own(connection, tenant, address, macs), *(_of(row, towards) for row in rows)]
    return tuple(sorted(set(found), key=_surest))


def _surest(one: Whereabouts) -> tuple[Any, ...]:
    ranks = list(How)
    return (one.until is not None, bool(one.towards), ranks.index(one.how), one.device, one.port)


def _stations(
    connection: sa.Connection, tenant: str, *which: sa.ColumnElement[bool]
) -> Sequence[sa.RowMapping]:
    """Those that hold, and those that held last, newest first: what is believed now of both."""
    # Polls answer, too; stations are read with the neighbours, or seldomer.
    looks = tables.sightings.c
    read_at = sa.func.coalesce(looks.discovered_at, looks.last_seen, type_=Moment)
    query = (
        sa.select(tables.stations, read_at.label("read_at"))
        .outerjoin(tables.sightings, looks.device == _S.device)
        .where(_S.tenant == tenant, _S.known_to.is_(None), *which)
        .order_by(_S.valid_to.is_not(None), _S.valid_from.desc())
        .limit(_MOST)
    )
    return connection.execute(query).mappings().all()


def _of(row: sa.RowMapping, towards: Mapping[tuple[str, str], str]) -> Whereabouts:
    return Whereabouts(
        device=row["device"],
        port=row["port"],
        how=How.RESOLVED if row["address"] else How.LEARNED,
        address=row["address"],
        mac=row["mac"],
        since=row["valid_from"],
        until=row["valid_to"],
        seen=row["valid_to"] or row["read_at"],
        towards=towards.get((row["device"], row["port"]), ""),
    )


def _own(
    connection: sa.Connection, tenant: str, address: str | None, macs: Collection[str]
) -> Iterator[Whereabouts]:
    """Ports that have it themselves."""
    port = sa.and_(
        history.current(tables.interfaces),
        _I.ledger == tables.OBSERVED,
    )
    if address is not None:
        here = sa.and_(port, _I.device == _A.device, _I.name == _A.interface)
        query = (
            sa.select(_A.device, _A.interface, _A.address, _I.mac, _A.valid_from)
            .outerjoin(tables.interfaces, here)
            .where(history.current(tables.addresses), _A.tenant == tenant, _A.address == address)
        )
    else:
        nothing = sa.literal("")
        query = sa.select(_I.device, _I.name, nothing, _I.mac, _I.valid_from).where(
            port, _I.tenant == tenant, _I.mac.in_(sorted(macs))
        )
    for device, name, own, mac, since in connection.execute(query.limit(_MOST)):
        yield Whereabouts(device, name, How.OWN, own, mac or "", since)


def _towards(connection: sa.Connection, devices: Collection[str]) -> Mapping[tuple[str, str], str]:
    """What the neighbour on a port calls itself, by (device, port)."""
    c = tables.neighbours.c
    query = sa.select(c.device, c.port, c.system_name, c.chassis).where(
        history.current(tables.neighbours), c.device.in_(sorted(devices))
    )
    rows = connection.execute(query) if devices else ()
    return {
        (d, port): name or neighbour_ids.chassis_text(chassis) for d, port, name, chassis in rows
    }
