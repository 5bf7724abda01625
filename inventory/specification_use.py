"""Says which specifications living services have: whoever removes such a file cannot change them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from inventory import history, tables
from oss_agent.spi.views import ServiceState


def living(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many customer-facing services of every tenant have each (id, version)."""
    s = tables.services
    key = (s.c.specification_id, s.c.specification_version)
    rows = (
        sa.select(*key, sa.func.count())
        .where(
            history.current(s),
            s.c.category == "CFS",
            s.c.state != ServiceState.TERMINATED.value,
        )
        .group_by(*key)
        .order_by(*key)
    )
    return {(of, version): number for of, version, number in connection.execute(rows)}
