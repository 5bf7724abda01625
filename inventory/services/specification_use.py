"""Says which specifications and offerings what lives has: whoever removes such a file cannot change it."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi.products import ProductStatus
from oss_agent.spi.views import BY_ITSELF, CUSTOMER_FACING, ServiceState


def living(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many of every tenant have each (id, version): customers' services, resources by themselves."""
    s = tables.services
    key = (s.c.specification_id, s.c.specification_version)
    rows = (
        sa.select(*key, sa.func.count())
        .where(
            history.current(s),
            s.c.category.in_([CUSTOMER_FACING, BY_ITSELF]),
            s.c.state != ServiceState.TERMINATED.value,
        )
        .group_by(*key)
        .order_by(*key)
    )
    return {(of, version): number for of, version, number in connection.execute(rows)}


def offered(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many products of every tenant that are not over have each offering (id, version)."""
    c = tables.products.c
    key = (c.offering_id, c.offering_version)
    over = [status.value for status in ProductStatus if status.final]
    rows = (
        sa.select(*key, sa.func.count())
        .where(history.current(tables.products), c.status.not_in(over))
        .group_by(*key)
        .order_by(*key)
    )
    return {(of, version): number for of, version, number in connection.execute(rows)}
