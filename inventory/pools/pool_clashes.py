"""Decides whether what the pools give out is already somebody's: another pool's, or the network's.

Two pools of one prefix would give the same address to two services, and neither would know: that is
refused. A pool that covers an address of a router is only told: an operator may sell out of a prefix
that the routers' own addresses lie in, and the vote over the neighbours stands behind it.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from inventory.pools import pool_values, pools
from inventory.rows import history, tables
from oss_agent import errors


def refuse_overlap(asked: Sequence[pools.PoolRange]) -> None:
    """ConfigurationError naming two pools that could give one thing to two services. Pure.

    Prefixes may not overlap, nor ranges of one kind that means the same in the whole network. A
    VLAN and a VNI of the same number are not the same thing, and a VLAN is a port's own.
    """
    _refuse_prefixes(asked)
    for one, other in itertools.combinations(asked, 2):
        if _same_numbers(one, other):
            raise errors.ConfigurationError(
                f"pools {one.name} ({one.first} to {one.last}) and {other.name} ({other.first} to "
                f"{other.last}) overlap: the same {one.kind.upper()} could be given to two services; "
                "part their ranges"
            )


def _same_numbers(one: pools.PoolRange, other: pools.PoolRange) -> bool:
    alike = one.kind in pool_values.EVERYWHERE and (one.kind, one.administrator) == (
        other.kind,
        other.administrator,
    )
    return alike and one.first <= other.last and other.first <= one.last


def _refuse_prefixes(asked: Sequence[pools.PoolRange]) -> None:
    prefixes = [(one.name, ipaddress.ip_network(one.prefix)) for one in asked if one.prefix]
    for (first, a), (second, b) in itertools.combinations(prefixes, 2):
        if a.overlaps(b):
            raise errors.ConfigurationError(
                f"pools {first} ({a}) and {second} ({b}) overlap: the same address could be given "
                "to two services; part their prefixes"
            )


def covered(
    connection: sa.Connection, asked: Sequence[pools.PoolRange], *, tenant: str
) -> Mapping[str, tuple[str, ...]]:
    """By pool: the network's own addresses that an order could be given (``pe1 10.255.0.11``).

    Own are all that are known and that no service has from that pool.
    """
    known = list(_known(connection, tenant))
    found: dict[str, tuple[str, ...]] = {}
    for one in asked:
        values = pool_values.of(one.form)
        given, wide = _given(connection, one.name)
        free = [
            f"{device} {address}"
            for device, address in known
            if (number := values.holding(address)) is not None
            and number not in given
            and not any(number in span for span in wide)
        ]
        if free:
            found[one.name] = tuple(dict.fromkeys(free))
    return found


def _known(connection: sa.Connection, tenant: str) -> Iterator[tuple[str, pool_values.Address]]:
    """(device, address) of every device: as imported, and as seen on its ports."""
    d, s, a = tables.devices.c, tables.device_states.c, tables.addresses.c
    sources = (
        (tables.devices, d.name, d.address, d.tenant),
        (tables.devices, d.name, d.router_id, d.tenant),
        (tables.device_states, s.device, s.router_id, s.tenant),
        (tables.addresses, a.device, a.address, a.tenant),
    )
    for table, device, column, of in sources:
        query = sa.select(device, column).where(history.current(table), of == tenant)
        for name, text in connection.execute(query.order_by(device, column)):
            try:
                yield name, ipaddress.ip_address(text or "")
            except ValueError:
                continue  # a host name, or nothing known


def _given(connection: sa.Connection, pool: str) -> tuple[frozenset[int], tuple[range, ...]]:
    """What a pool has given out: single numbers, and of a block what is more than one."""
    c = tables.pool_claims.c
    held = sa.select(c.value, c.size).where(history.current(tables.pool_claims), c.pool == pool)
    rows = connection.execute(held).all()
    wide = tuple(range(row.value, row.value + row.size) for row in rows if row.size)
    return frozenset(row.value for row in rows if not row.size), wide
