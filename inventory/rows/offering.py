"""Decides which devices count as able to do a thing: those whose own hello offered it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi import device

_C = tables.device_states.c
_OFFERS = sa.select(_C.device, _C.offers).where(
    history.current(tables.device_states),
    _C.tenant == sa.bindparam("at_tenant"),
    _C.device.in_(sa.bindparam("at_devices", expanding=True)),
)
"""Made once: to build a statement costs several times as much as to run it."""


def devices(
    connection: sa.Connection, tenant: str, names: Collection[str], wanted: device.Capability
) -> frozenset[str]:
    """Those of a tenant's devices ``names`` that offered ``wanted`` when they were last discovered."""
    rows = connection.execute(_OFFERS, {"at_tenant": tenant, "at_devices": list(names)})
    return frozenset(name for name, offers in rows if wanted in (offers or ()))
