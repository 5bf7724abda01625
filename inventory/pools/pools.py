"""Decides which pools there are: what settings say of them, kept so that claims stay what they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.pools import pool_sql, pool_values
from inventory.rows import history, resource_ids, tables
from oss_agent import errors
from oss_agent.spi.moments import AsOf


@dataclass(frozen=True, slots=True)
class PoolRange:
    """A pool of whole numbers, ``first`` and ``last`` included, or of a prefix (``of_prefix``).

    ``quarantine`` is how long (seconds) a released value rests before another key may have it,
    ``unseen`` how long when nobody could see that the devices are without it. The rest is
    ``pool_values.Form``'s.
    """

    name: str
    first: int
    last: int
    quarantine: float = 300.0
    prefix: str | None = None
    length: int | None = None
    longest: int | None = None
    kind: pool_values.Kind = pool_values.Kind.NUMBER
    administrator: str | None = None
    unseen: float = 0.0

    @classmethod
    def of_prefix(
        cls,
        name: str,
        prefix: str,
        length: int | None = None,
        quarantine: float = 300.0,
        longest: int | None = None,
    ) -> PoolRange:
        """The addresses of ``prefix``, or with a ``length`` the prefixes of that length in it.

        With a ``longest`` prefixes of any length up to it are given, ``length`` where none is asked for.
        """
        form = pool_values.Form(prefix=prefix, length=length, longest=longest)
        found = _values(name, form)
        return cls(name, found.first, found.last, quarantine, prefix, length, longest)

    @property
    def form(self) -> pool_values.Form:
        """What it gives out."""
        return pool_values.Form(
            self.first,
            self.last,
            self.prefix,
            self.length,
            self.longest,
            self.kind,
            self.administrator,
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as the database has it."""

    name: str
    tenant: str
    quarantine: float
    unseen: float
    kind: pool_values.Kind
    values: pool_values.Values

    @property
    def first(self) -> int:
        """The lowest number."""
        return self.values.first

    @property
    def last(self) -> int:
        """The highest number."""
        return self.values.last

    def at(self, moment: datetime) -> dict[str, Any]:
        """What every statement about it asks for."""
        times = pool_sql.times(moment, self.quarantine, self.unseen)
        return {"at_pool": self.name, **times}


def seed(
    connection: sa.Connection, pools: Sequence[PoolRange], *, tenant: str, at: datetime
) -> None:
    """Make the pools what the settings say. Claims outside a shrunken range stay valid.

    ConfigurationError when a pool would get another prefix or administrator while values of the
    old one are held, or is new and called as a device.
    """
    known = _known(connection)
    for pool in pools:
        _values(pool.name, pool.form)
        _refuse_other_meaning(connection, pool, at)
        if pool.name not in known:
            _refuse_name_of_device(connection, pool.name)
        facts = {
            "tenant": tenant,
            "first": pool.first,
            "last": pool.last,
            "quarantine": pool.quarantine,
            "prefix": pool.prefix,
            "length": pool.length,
            "longest": pool.longest,
            "kind": pool.kind.value,
            "administrator": pool.administrator,
            "unseen": pool.unseen,
        }
        history.put(connection, tables.pools, {"name": pool.name}, facts, at)


def _refuse_name_of_device(connection: sa.Connection, name: str) -> None:
    """Of a new pool only: one that services have values of cannot be called otherwise any more."""
    if resource_ids.devices_called(connection, [name]):
        raise errors.ConfigurationError(
            f"pool {name} is called as a device, and its values and the device's ports would "
            "have one id in TMF639: give the pool another name in the settings, or leave it out"
        )


def _values(name: str, form: pool_values.Form) -> pool_values.Values:
    try:
        return pool_values.of(form)
    except ValueError as wrong:
        raise errors.ConfigurationError(f"pool {name}: {wrong}") from wrong


def _refuse_other_meaning(connection: sa.Connection, pool: PoolRange, at: datetime) -> None:
    """Claims are numbers: under another prefix the same number would be another address."""
    before = _known(connection).get(pool.name)
    if before is None or _same_meaning(before, pool):
        return
    c = tables.pool_claims.c
    mine = sa.and_(history.current(tables.pool_claims), c.pool == pool.name)
    held = connection.execute(sa.select(c.key).where(mine, c.released_at.is_(None)).limit(1))
    holder = held.scalar_one_or_none()
    if holder is not None:
        was = before["prefix"] or before["administrator"] or "numbers"
        raise errors.ConfigurationError(
            f"pool {pool.name} was of {was} and {holder} still has a value "
            "of it: give the new values a pool of another name"
        )
    history.end(connection, tables.pool_claims, c.pool == pool.name, at)
    for beside in (tables.pool_floors, tables.pool_holes):
        connection.execute(sa.delete(beside).where(beside.c.pool == pool.name))


def rows(connection: sa.Connection, when: AsOf | None = None) -> tuple[Pool, ...]:
    """Every pool there is, or was as of a moment, by name."""
    return tuple(_made(row) for _, row in sorted(_known(connection, when).items()))


def _known(connection: sa.Connection, when: AsOf | None = None) -> dict[str, sa.RowMapping]:
    query = pool_sql.POOLS
    if when is not None:
        query = sa.select(tables.pools).where(history.there(tables.pools, when))
    return {row["name"]: row for row in connection.execute(query).mappings()}


def one(connection: sa.Connection, pool: str) -> Pool:
    """One pool, of whatever tenant. ConfigurationError on an unknown one."""
    known = _known(connection)
    if pool not in known:
        names = ", ".join(sorted(known)) or "none"
        raise errors.ConfigurationError(
            f"pool {pool} does not exist (known: {names}); add it to the settings"
        )
    return _made(known[pool])


def _made(row: Mapping[Any, Any]) -> Pool:
    kind = pool_values.Kind(row["kind"])
    form = pool_values.Form(
        row["first"],
        row["last"],
        row["prefix"],
        row["length"],
        row["longest"],
        kind,
        row["administrator"],
    )
    values = pool_values.of(form)
    return Pool(row["name"], row["tenant"], row["quarantine"], row["unseen"], kind, values)


def _same_meaning(before: Mapping[Any, Any], pool: PoolRange) -> bool:
    """Does a number mean what it meant? Prefixes are counted in the smallest that there are.

    So a pool of one length may become one of several, where that length is the longest. Not back:
    what is held then may be several of them.
    """
    smallest = before["longest"] or before["length"]
    was = (before["prefix"], smallest, before["administrator"])
    now = (pool.prefix, pool.longest or pool.length, pool.administrator)
    return was == now and (before["longest"] is None or pool.longest is not None)
