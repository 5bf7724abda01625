"""Whose tables the lineage covers; for writing migrations and for the test that they agree."""

from __future__ import annotations

import sqlalchemy as sa

import bss_bridge.events.tables
import inventory.tables
from oss_agent import audit, outbox
from oss_agent.assurance import tables as assurance_tables
from oss_agent.fulfilment.record import product_tables


def everything() -> list[sa.MetaData]:
    """The metadata of every room."""
    return [
        audit.METADATA,
        outbox.METADATA,
        product_tables.product_order.metadata,  # all of fulfilment's
        assurance_tables.METADATA,
        inventory.tables.METADATA,
        bss_bridge.events.tables.METADATA,
    ]
