"""Which value of a pool is the lowest free, by all that are taken: what ``pool_free`` finds by index."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from inventory.pools import pool_sql, pools
from inventory.rows import tables

_C = tables.pool_claims.c
_FIRST: sa.BindParameter[int] = sa.bindparam("first", type_=sa.BigInteger())
_TAKEN = sa.select(_C.value).where(pool_sql.UNAVAILABLE, _C.value >= _FIRST).cte("taken")
_CANDIDATES = sa.union_all(
    sa.select(_FIRST.label("value")), sa.select((_TAKEN.c.value + 1).label("value"))
).subquery("candidates")
_LOWEST = sa.select(sa.func.min(_CANDIDATES.c.value)).where(
    _CANDIDATES.c.value <= sa.bindparam("last"),
    _CANDIDATES.c.value.not_in(sa.select(_TAKEN.c.value)),
)


def lowest(connection: sa.Connection, pool: pools.Pool, at: datetime, start: int) -> int | None:
    """As it was looked for before there was a floor."""
    asked = {**pool.at(at), "first": start, "last": pool.last}
    found: int | None = connection.execute(_LOWEST, asked).scalar_one()
    return found
