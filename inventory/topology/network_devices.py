"""Decides which devices are presumed to be the network's own though nobody could log in to them.

What we log in to tells itself whether it takes configuration (``inventory.rows.offering``). Of what is only
listed, or was not looked at yet, the operator's file tells: its kind and its role. A plain Linux
machine may be anybody's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from inventory.containerlab import containerlab_kinds
from inventory.rows import history, tables

_CUSTOMERS: Final = frozenset({"ce", "cpe", "customer", "host", "internet"})
"""Roles by which a file says that a device is at the other side of the network's edge."""
_D, _S = tables.devices.c, tables.device_states.c
_UNKNOWN = (
    sa.select(_D.name, _D.kind, _D.role, _S.offers)
    .select_from(
        tables.devices.outerjoin(
            tables.device_states,
            sa.and_(history.current(tables.device_states), _S.device == _D.name),
        )
    )
    .where(
        history.current(tables.devices),
        _D.tenant == sa.bindparam("at_tenant"),
        _D.name.in_(sa.bindparam("at_devices", expanding=True)),
    )
)
"""Made once: to build a statement costs several times as much as to run it."""


def presumed(connection: sa.Connection, tenant: str, names: Collection[str]) -> frozenset[str]:
    """Those of a tenant's devices ``names`` that are the network's, as far as its files tell."""
    if not names:
        return frozenset()
    rows = connection.execute(_UNKNOWN, {"at_tenant": tenant, "at_devices": list(names)})
    return frozenset(
        row.name for row in rows if row.offers is None and not _at_the_edge(row.kind, row.role)
    )


def _at_the_edge(kind: str, role: str) -> bool:
    known = containerlab_kinds.load().named.get(kind)
    return role.casefold() in _CUSTOMERS or (known is not None and known.host)
