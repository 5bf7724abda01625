"""Decides that a value does not rest any more because it was found in use: what is adopted has it.

A rest waits until no device holds the value, so that nobody else is given it. Who adopts what devices
hold is not somebody else: it is what the rest protects. Where the adoption fails the value rests again,
for as long as what nobody has seen to be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory.pools import pool_absence, pool_claims, pool_free, pool_sql, pools
from inventory.rows import history, tables

_C = tables.pool_claims.c
_RESTING: Final = sa.select(tables.pool_claims).where(
    pool_sql.OF_POOL, _C.value == sa.bindparam("at_value"), _C.released_at.is_not(None)
)


def rests(connection: sa.Connection, pool: str, value: str) -> bool:
    """Would exactly this value be free to who has it on devices? Claims nothing."""
    return bool(_resting(connection, pool, value))


def claim(connection: sa.Connection, *, pool: str, key: str, wanted: str, at: datetime) -> str:
    """As ``pool_claims.claim``, also where it rests; the claim says that devices have the value."""
    _wake(connection, pool, wanted, at)
    text = pool_claims.claim(connection, pool=pool, key=key, wanted=wanted, at=at)
    asked = {**pools.one(connection, pool).at(at), "at_key": key}
    row = connection.execute(pool_sql.HELD, asked).mappings().one()
    found = {"absence": pool_absence.FOUND}
    if history.differs(row, found):
        history.replace(connection, tables.pool_claims, [(row, found)], at)
    return text


def _wake(connection: sa.Connection, pool: str, value: str, at: datetime) -> None:
    """Its rest is over: a claim of it comes next. What is held or reserved stays so."""
    gone = _resting(connection, pool, value)
    history.end_rows(connection, tables.pool_claims, gone, at)
    pool_free.ended(connection, gone)


def _resting(connection: sa.Connection, pool: str, value: str) -> Sequence[sa.RowMapping]:
    number = pools.one(connection, pool).values.number(value)
    if number is None:
        return ()
    there: dict[str, Any] = {"at_pool": pool, "at_value": number}
    rows = connection.execute(_RESTING, there).mappings().all()
    return tuple(row for row in rows if pool_claims.text_of(row) == value)
