"""Decides how pools are stored, their claims, and where their lowest free value is looked for."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from inventory.rows.fact_tables import METADATA, Fact, current, only_one, past
from oss_agent.moment import Moment


class Pool(Fact):
    """A range of whole numbers, both ends included, of a ``kind`` and perhaps an ``administrator``.

    With a ``prefix`` the numbers count its addresses, its prefixes of ``length``, or, with a
    ``longest``, its prefixes of that length, of which a value may be several. ``quarantine`` is how
    long (s) a released value rests at least, ``unseen`` when nobody saw that the devices lost it.
    """

    name: sa.Named[str]
    first: sa.Named[int] = sa.Column(sa.BigInteger)
    last: sa.Named[int] = sa.Column(sa.BigInteger)
    quarantine: sa.Named[float]
    prefix: sa.Named[str | None]
    length: sa.Named[int | None]
    longest: sa.Named[int | None]
    kind: sa.Named[str] = sa.Column(server_default="number")
    administrator: sa.Named[str | None]
    unseen: sa.Named[float] = sa.Column(server_default="0")


pools = sa.Table("inv_pools", METADATA, Pool, only_one("uq_inv_pools_current", "name"))


_LEAVING = "(released_at IS NOT NULL OR expires_at IS NOT NULL)"
"""Claims that time alone may make as good as free."""
_UNSEEN = "released_at IS NOT NULL AND absent_at IS NULL"
"""Releases that nobody has seen yet on the devices: few beside those that only rest."""


class PoolClaim(Fact):
    """A value of a pool and the key it belongs to. ``released_at`` set: it rests in quarantine.

    ``text`` is the value as it is written; NULL in rows of the first release: the number itself.
    ``size`` is how many numbers it is; NULL: one. With ``expires_at`` it is only reserved until
    then. ``absent_at`` is when the devices were seen to be without it, ``absence`` what showed it.
    """

    pool: sa.Named[str]
    value: sa.Named[int] = sa.Column(sa.BigInteger)
    size: sa.Named[int | None] = sa.Column(sa.BigInteger)
    text: sa.Named[str | None]
    key: sa.Named[str]
    released_at: sa.Named[datetime | None] = sa.Column(Moment)
    expires_at: sa.Named[datetime | None] = sa.Column(Moment)
    absent_at: sa.Named[datetime | None] = sa.Column(Moment)
    absence: sa.Named[str | None]


pool_claims = sa.Table(
    "inv_pool_claims",
    METADATA,
    PoolClaim,
    only_one("uq_inv_pool_claims_value", "pool", "value"),
    only_one("uq_inv_pool_claims_key", "pool", "key", where="released_at IS NULL"),
    sa.Index("ix_inv_pool_claims_holder", "key"),
    past("ix_inv_pool_claims_pool", "pool"),
    current("ix_inv_pool_claims_leaving", "pool", "value", where=_LEAVING),
    current("ix_inv_pool_claims_unseen", "released_at", where=_UNSEEN),
)


class PoolShortage(Fact):
    """That a pool is running out, and why; ``full``: nothing of it is left."""

    pool: sa.Named[str]
    why: sa.Named[str]
    full: sa.Named[bool]


pool_shortages = sa.Table(
    "inv_pool_shortages",
    METADATA,
    PoolShortage,
    only_one("uq_inv_pool_shortages_current", "pool"),
)


class PoolFloor(sa.TypedColumns):
    """From ``first`` up to ``floor`` each value of a pool has a current claim, or is a hole."""

    pool: sa.Named[str] = sa.Column(primary_key=True)
    first: sa.Named[int] = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    floor: sa.Named[int] = sa.Column(sa.BigInteger)


pool_floors = sa.Table("inv_pool_floors", METADATA, PoolFloor)


class PoolHole(sa.TypedColumns):
    """A value of a pool whose claim ended; it may have another by now."""

    row: sa.Named[int] = sa.Column(sa.Integer, primary_key=True)
    pool: sa.Named[str]
    value: sa.Named[int] = sa.Column(sa.BigInteger)


pool_holes = sa.Table(
    "inv_pool_holes", METADATA, PoolHole, sa.Index("ix_inv_pool_holes_value", "pool", "value")
)
