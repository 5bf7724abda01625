"""Decides, in SQL, which values of a pool nobody may have now; the lowest free one is ``pool_free``'s.

Statements are made once: to build one costs several times as much as to run it. All take the pool
and three moments, as ``times`` gives them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.moment import Moment

_C = tables.pool_claims.c
_NOW: Final[sa.BindParameter[datetime]] = sa.bindparam("now", type_=Moment())
_RESTED: Final[sa.BindParameter[datetime]] = sa.bindparam("rested", type_=Moment())
_UNSEEN: Final[sa.BindParameter[datetime]] = sa.bindparam("unseen", type_=Moment())
_CURRENT = history.current(tables.pool_claims)
OF_POOL = sa.and_(_CURRENT, _C.pool == sa.bindparam("at_pool"))
_OF_KEY = _C.key == sa.bindparam("at_key")
_NEED: Final[sa.BindParameter[str]] = sa.bindparam("at_need", type_=sa.String())
_OF_NEED = sa.func.substr(_C.key.concat("~"), 1, sa.func.length(_NEED)) == _NEED
"""Claims for one need of a service: what rests of it is its own again under whatever key."""
EXPIRED = sa.and_(_C.released_at.is_(None), _C.expires_at <= _NOW)
"""Reservations that nobody made use of in time: as good as free."""
LIVE = sa.and_(_C.released_at.is_(None), sa.or_(_C.expires_at.is_(None), _C.expires_at > _NOW))
"""Claims that stand, and reservations whose time is not over."""
RESTS = sa.and_(
    _C.released_at.is_not(None),
    sa.or_(
        _C.released_at > _RESTED,
        sa.and_(_C.absent_at.is_(None), _C.released_at > _UNSEEN),
    ),
)
"""Released later than ``rested``; where nobody saw the devices without it, than ``unseen``."""
UNAVAILABLE = sa.and_(OF_POOL, sa.or_(LIVE, RESTS))
UNSEEN = sa.and_(_CURRENT, _C.released_at.is_not(None), _C.absent_at.is_(None))
"""Released, and nobody has seen the devices without it."""
OVER_BY_NOW = sa.and_(
    OF_POOL,
    sa.or_(_C.released_at.is_not(None), _C.expires_at.is_not(None)),  # as its index says it
    sa.not_(sa.or_(LIVE, RESTS)),
)
"""Rests and reservations that are over."""
_START: Final[sa.BindParameter[int]] = sa.bindparam("start", type_=sa.BigInteger())
_END: Final[sa.BindParameter[int]] = sa.bindparam("end", type_=sa.BigInteger())
_SIZE = sa.func.coalesce(_C.size, 1)
_AT = _C.value == _START
_OVERLAPPING = sa.and_(_C.value < _END, _C.value + _SIZE > _START)

POOLS = sa.select(tables.pools).where(history.current(tables.pools))
LOCK = (
    sa.select(tables.pools.c.row)
    .where(history.current(tables.pools), tables.pools.c.name == sa.bindparam("at_pool"))
    .with_for_update()
)
"""Who gives out of a block works alone: an index cannot say that two prefixes overlap."""
OF_KEY = sa.select(tables.pool_claims).where(_CURRENT, _OF_KEY, _C.released_at.is_(None))
HELD = sa.select(tables.pool_claims).where(OF_POOL, _OF_KEY, LIVE).limit(1)
RESTED = (
    sa.select(_C.value, _C.size)
    .where(
        OF_POOL,
        _OF_KEY,
        _C.released_at.is_not(None),
        _C.value.between(sa.bindparam("first"), sa.bindparam("last")),
    )
    .order_by(_C.value)
)
TAKEN = sa.select(_C.value, _SIZE).where(UNAVAILABLE)


def times(at: datetime, quarantine: float, unseen: float) -> dict[str, datetime]:
    """The three moments: a value released before ``rested`` may be given out again."""
    longest = max(quarantine, unseen)
    rested = at - timedelta(seconds=quarantine)
    return {"now": at, "rested": rested, "unseen": at - timedelta(seconds=longest)}


def of_service(service: str) -> sa.ColumnElement[bool]:
    """Claims of a service: keys are its id, a point and a name.

    By substr: ids may hold % and _, and of ``/`` and ``.`` PostgreSQL says which comes first by locale.
    """
    prefix = f"{service}."
    return sa.func.substr(_C.key, 1, len(prefix)) == prefix


def need_of(key: str) -> str:
    """What the keys of one need begin with, once they end with ``~``.

    ``s1-1.vni``, and ``s1-1.vni~TRANSACTION`` of a modify that claims another value beside it.
    """
    return f"{key.partition('~')[0]}~"


def _blocker(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Who else has something there, or had it too lately."""
    own = sa.or_(_OF_KEY, sa.and_(_C.released_at.is_not(None), _OF_NEED))
    return sa.select(tables.pool_claims).where(UNAVAILABLE, where, sa.not_(own))


def _over(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """What gives way to a new claim there: rests and reservations that are over or its own.

    A reservation that stands does only to who ``named`` exactly its value.
    """
    rested = sa.and_(_C.released_at.is_not(None), sa.or_(sa.not_(RESTS), _OF_NEED))
    reserved = sa.and_(_C.expires_at.is_not(None), _C.text == sa.bindparam("named"))
    gives = sa.or_(rested, EXPIRED, sa.and_(_C.released_at.is_(None), reserved))
    # Each by its own index: an OR over both would be found by none.
    there = sa.select(_C.row).where(OF_POOL, where, gives)
    mine = sa.select(_C.row).where(OF_POOL, _OF_KEY, EXPIRED)
    return sa.select(tables.pool_claims).where(_C.row.in_(sa.union(there, mine)))


BLOCKER, BLOCKER_OF_BLOCK = _blocker(_AT), _blocker(_OVERLAPPING)
OVER, OVER_OF_BLOCK = _over(_AT), _over(_OVERLAPPING)
