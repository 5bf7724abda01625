"""Decides which names no device may have: with them two resources of TMF639 would have one id.

The ids are words of people (``resource_rows``): a device is its name, a port ``pe1:eth4``, a part
``pe1~module-2``, a pool's value ``core-vni:10100``, what was ordered by itself ``r17-1``. No name of
a device has ``:`` or ``~`` in it (``grammar``), so two overlaps are left: a device that is called as
an order's resource, and one that is called as a pool. The ids of services (TMF638) are our own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.words import grammar

_ORDERED: Final = re.compile(r"r[0-9]+-[0-9]+", re.ASCII)


def trouble(connection: sa.Connection, names: Collection[str]) -> Mapping[str, str]:
    """Why devices cannot be called so, by their names; those that can are not in it."""
    c = tables.pools.c
    usable = [name for name in names if grammar.is_device(name)]  # others may be anything
    asked = sa.select(c.name).where(history.current(tables.pools), c.name.in_(usable))
    pools = dict.fromkeys(connection.execute(asked).scalars(), _AS_POOL)
    return pools | {name: _AS_ORDERED for name in usable if _ORDERED.fullmatch(name)}


def devices_called(connection: sa.Connection, pools: Collection[str]) -> tuple[str, ...]:
    """Those of these pools' names that devices have, too."""
    c = tables.devices.c
    asked = sa.select(c.name).where(history.current(tables.devices), c.name.in_(pools))
    return tuple(connection.execute(asked.order_by(c.name)).scalars())


_AS_ORDERED: Final = (
    "resources that are ordered by themselves are called so (r17-1 is of order ro17), and both would "
    "have one id in TMF639: rename the device"
)
_AS_POOL: Final = (
    "a pool is called so, and the pool's values and the device's ports would have one id in TMF639: "
    "rename the device, or the pool in the settings"
)
