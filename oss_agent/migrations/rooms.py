"""Whose tables the lineage covers; for writing migrations and for the test that they agree."""

from __future__ import annotations

import sqlalchemy as sa

import bss_bridge.events.tables
import inventory.rows.tables
from oss_agent import audit, outbox
from oss_agent.assurance import tables as assurance_tables
from oss_agent.fulfilment.record import product_tables, service_test_tables


def everything() -> list[sa.MetaData]:
    """The metadata of every room."""
    # One metadata in several modules: who is not imported has no tables in it.
    fulfilment = {
        product_tables.product_order.metadata,
        service_test_tables.service_test.metadata,
    }
    return [
        audit.METADATA,
        outbox.METADATA,
        *fulfilment,
        assurance_tables.METADATA,
        inventory.rows.tables.METADATA,
        bss_bridge.events.tables.METADATA,
    ]
