"""Decides what every row of the ledgers has, and which indexes there are over current rows.

Every ledger row is a version of a fact with two times: valid (when it was true of the network) and
known (when we believed it); ``inventory.rows.history`` is the only module that writes them. The partial
unique indexes over current rows are the only truth about who holds what.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.moment import Moment

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FIRST_STORE = "netconf"
"""Rows from before stores were told apart: every platform had this one."""

PLANNED = "planned"
OBSERVED = "observed"


class Fact(sa.TypedColumns):
    """What every ledger row has. ``row`` is the version; the key lies in the table's own columns."""

    row: sa.Named[int] = sa.Column(sa.Integer, primary_key=True)
    tenant: sa.Named[str]
    valid_from: sa.Named[datetime] = sa.Column(Moment)
    valid_to: sa.Named[datetime | None] = sa.Column(Moment)
    known_from: sa.Named[datetime] = sa.Column(Moment)
    known_to: sa.Named[datetime | None] = sa.Column(Moment)


_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def only_one(name: str, *columns: str, where: str = "") -> sa.Index:
    """At most one current row has these values; ``where`` narrows which current rows count."""
    condition = sa.text(f"{_CURRENT.text} AND {where}") if where else _CURRENT
    return sa.Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def current(name: str, *columns: str, where: str = "") -> sa.Index:
    """Finds current rows by these columns, in their order; ``where`` as of ``only_one``."""
    condition = sa.text(f"{_CURRENT.text} AND {where}") if where else _CURRENT
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def over(name: str, column: str) -> sa.Index:
    """Finds rows that are over by when they were: ``column`` is empty in all others."""
    condition = sa.text(f"{column} IS NOT NULL")
    return sa.Index(name, column, sqlite_where=condition, postgresql_where=condition)


def past(name: str, *columns: str) -> sa.Index:
    """Finds every version of a key, of now and then: what is asked as of a moment."""
    return sa.Index(name, *columns)
