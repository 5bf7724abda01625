"""Says which specifications living services have: whoever removes such a file cannot change them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from inventory import history, tables
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
