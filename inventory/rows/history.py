"""Decides how a fact changes without the past being rewritten: two times on every ledger row.

A change at ``at`` never edits what a row said. The old version stops being believed (known_to), a
copy of it says until when it was true (valid_to), and the new version begins. So both "what was
true then" and "what did we believe then" stay answerable.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent.moment import Moment
from oss_agent.spi.moments import AsOf

_TIMES = frozenset({"row", "valid_from", "valid_to", "known_from", "known_to"})


@functools.lru_cache(maxsize=128)
def current(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """True of rows that hold now, as far as we know now."""
    return sa.and_(table.c.valid_to.is_(None), table.c.known_to.is_(None))


def as_of(table: sa.FromClause, valid: datetime, known: datetime) -> sa.ColumnElement[bool]:
    """True of rows that held at ``valid`` by what was believed at ``known``."""
    c = table.c
    return sa.and_(
        c.valid_from <= valid,
        sa.or_(c.valid_to.is_(None), c.valid_to > valid),
        c.known_from <= known,
        sa.or_(c.known_to.is_(None), c.known_to > known),
    )


_VALID: sa.BindParameter[datetime] = sa.bindparam("at_valid", type_=Moment())
_KNOWN: sa.BindParameter[datetime] = sa.bindparam("at_known", type_=Moment())


@functools.lru_cache(maxsize=128)
def then(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """As ``as_of``, of a statement that is made once: it takes ``moment``."""
    c = table.c
    return sa.and_(
        c.valid_from <= _VALID,
        sa.or_(c.valid_to.is_(None), c.valid_to > _VALID),
        c.known_from <= _KNOWN,
        sa.or_(c.known_to.is_(None), c.known_to > _KNOWN),
    )


def moment(when: AsOf | None) -> dict[str, datetime]:
    """What a statement with ``then`` takes; nothing for one of now."""
    return {} if when is None else {"at_valid": when.valid, "at_known": when.known}


def there(table: sa.FromClause, when: AsOf | None) -> sa.ColumnElement[bool]:
    """True of rows that hold: now, or as of a moment."""
    return current(table) if when is None else as_of(table, when.valid, when.known)


def end(
    connection: sa.Connection, table: sa.Table[Any], which: sa.ColumnElement[bool], at: datetime
) -> int:
    """The current facts matching ``which`` stop being true at ``at``. Returns how many did."""
    condition = sa.and_(current(table), which)
    rows = connection.execute(sa.select(table).where(condition)).mappings().all()
    end_rows(connection, table, rows, at)
    return len(rows)


def end_rows(
    connection: sa.Connection,
    table: sa.Table[Any],
    rows: Sequence[Mapping[Any, Any]],
    at: datetime,
) -> None:
    """What these current rows say, all read in this unit, stops being true at ``at``."""
    if rows:
        ended = [{"at_row": row["row"], "known_to": at} for row in rows]
        connection.execute(_ended(table), ended)
        _close(connection, table, rows, at)


@functools.lru_cache(maxsize=128)
def _ended(table: sa.Table[Any]) -> sa.Update:
    return sa.update(table).where(current(table), table.c.row == sa.bindparam("at_row"))


def _close(
    connection: sa.Connection,
    table: sa.Table[Any],
    rows: Sequence[Mapping[Any, Any]],
    at: datetime,
) -> None:
    """Copies of what is not believed any more that say until when it was true."""
    # A fact that begins and ends at the same moment was never true: no copy with an empty period.
    closed = [
        {**_content(row), "valid_from": row["valid_from"], "valid_to": at, "known_from": at}
        for row in rows
        if row["valid_from"] < at
    ]
    if closed:
        connection.execute(_insert(table), closed)


def begin(
    connection: sa.Connection, table: sa.Table[Any], facts: Mapping[str, Any], at: datetime
) -> None:
    """A new fact, where none may be. IntegrityError when a current row already holds its place."""
    begin_all(connection, table, [facts], at)


def begin_all(
    connection: sa.Connection,
    table: sa.Table[Any],
    every: Sequence[Mapping[str, Any]],
    at: datetime,
) -> None:
    """Several new facts with the same columns, where none may be. IntegrityError as ``begin``."""
    if every:
        rows = [{**facts, "valid_from": at, "known_from": at} for facts in every]
        connection.execute(_insert(table), rows)


@functools.lru_cache(maxsize=128)
def _insert(table: sa.Table[Any]) -> sa.Insert:
    return sa.insert(table)


def replace(
    connection: sa.Connection,
    table: sa.Table[Any],
    changes: Sequence[tuple[Mapping[Any, Any], Mapping[str, Any]]],
    at: datetime,
) -> None:
    """Current rows, read in this unit, with what holds instead; columns not named keep their value."""
    end_rows(connection, table, [row for row, _ in changes], at)
    begin_all(connection, table, [{**_content(row), **facts} for row, facts in changes], at)


def forget(connection: sa.Connection, table: sa.Table[Any], which: sa.ColumnElement[bool]) -> None:
    """What is kept for no longer is gone, with all that was ever believed of it; never what holds now."""
    connection.execute(sa.delete(table).where(which, sa.not_(current(table))))


def differs(row: Mapping[Any, Any], facts: Mapping[str, Any]) -> bool:
    """Does a row say anything else than ``facts``?"""
    return any(row[name] != value for name, value in facts.items())


def put(
    connection: sa.Connection,
    table: sa.Table[Any],
    key: Mapping[str, Any],
    facts: Mapping[str, Any],
    at: datetime,
) -> bool:
    """``facts`` hold for ``key`` from ``at`` on; columns not named keep their value.

    Returns False, and writes nothing, when they held already. Not for what is claimed exclusively:
    it replaces whatever is there; ``begin`` refuses.
    """
    named = {f"at_{name}": value for name, value in key.items()}
    before = connection.execute(_by_key(table, tuple(key)), named).mappings().first()
    if before is None:
        begin(connection, table, {**key, **facts}, at)
        return True
    if not differs(before, facts):
        return False
    replace(connection, table, [(before, facts)], at)
    return True


@functools.lru_cache(maxsize=128)
def _by_key(table: sa.Table[Any], names: tuple[str, ...]) -> sa.Select[Any]:
    """What finds the current row of a key without empty values.

    Made once: to build a statement costs several times as much as to run it.
    """
    named = (table.c[name] == sa.bindparam(f"at_{name}") for name in names)
    return sa.select(table).where(current(table), *named)


def _content(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _TIMES}
