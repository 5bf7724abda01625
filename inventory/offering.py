"""Decides which devices count as able to do a thing: those whose own hello offered it."""

from __future__ import annotations

import sqlalchemy as sa

from inventory import history, tables
from oss_agent.spi import device


def devices(connection: sa.Connection, tenant: str, wanted: device.Capability) -> frozenset[str]:
    """The devices that offered ``wanted`` when they were last discovered."""
    c = tables.device_states.c
    query = sa.select(c.device, c.offers).where(
        history.current(tables.device_states), c.tenant == tenant
    )
    rows = connection.execute(query)
    return frozenset(name for name, offers in rows if wanted in (offers or ()))
