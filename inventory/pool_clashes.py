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

from inventory import history, pool_values, pools, tables
from oss_agent import errors


def refuse_overlap(asked: Sequence[pools.PoolRange]) -> None:
    """ConfigurationError naming two pools whose prefixes overlap. Pure.

    Ranges of numbers may: a VLAN and a VNI of the same number are not the same thing.
    """
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
        values = pool_values.of(one.first, one.last, one.prefix, one.length)
        given = _given(connection, one.name)
        free = [
            f"{device} {address}"
            for device, address in known
            if (number := values.holding(address)) is not None and number not in given
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


def _given(connection: sa.Connection, pool: str) -> frozenset[int]:
    c = tables.pool_claims.c
    held = sa.select(c.value).where(history.current(tables.pool_claims), c.pool == pool)
    return frozenset(connection.execute(held).scalars())
