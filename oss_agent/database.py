"""Decides how a database is opened, and which of its errors say that the database itself is ill.

One URL setting, two databases: an SQLite file or PostgreSQL by psycopg 3. Everything that differs
between the two is here, so that the store, the migrations and the outbox are the same code on both.
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import engine as sa_engine
from sqlalchemy import event, exc
from sqlalchemy.dialects.sqlite import base as sqlite

from oss_agent import errors

BUSY_TIMEOUT: Final = 5.0
"""Seconds an SQLite writer waits for another process (a backup, a migration) before it gives up."""

_CONNECT_TIMEOUT = 5
# A server that vanished without a word is noticed in about 11 s, so that a unit never hangs longer.
_KEEPALIVE = {
    "connect_timeout": _CONNECT_TIMEOUT,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}


class Trouble(Enum):
    """Whose fault a database error is, and so what the store does next."""

    OWN = "own"
    """the unit's: a constraint, a wrong statement; roll back that unit alone"""
    RACE = "race"
    """the unit lost against another process (deadlock, lock time-out); it alone may try again"""
    OUTAGE = "outage"
    """the database takes no writes now: full, read-only, locked, connection lost; it may heal"""
    BROKEN = "broken"
    """what was written may not be on disk although it was reported so: never use it again"""


# After a failed fsync the kernel may have dropped the dirty pages and call the next fsync a
# success: only a new process, which reads the file again, can be trusted.
_SQLITE_BROKEN = frozenset(
    {
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
_SQLITE_OUTAGE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
# SQLSTATE (PostgreSQL appendix A): connection, resources, operator, system and internal classes.
_POSTGRES_OUTAGE = ("08", "53", "57", "58", "F0", "XX", "25006")
_POSTGRES_RACE = ("40001", "40P01", "55P03")


def parse(text: str) -> sa.URL:
    """Return the URL of a usable database; ConfigurationError says which forms are known."""
    try:
        url = sa.make_url(text)
    except exc.ArgumentError as error:
        raise errors.ConfigurationError(_known_forms("not a database URL")) from error
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise errors.ConfigurationError(_known_forms(f"{backend} is not supported"))
    if url.database in {None, "", ":memory:"}:
        raise errors.ConfigurationError(_known_forms("an SQLite database must be a file"))
    return url.set(drivername="sqlite+pysqlite")


def _known_forms(why: str) -> str:
    return (
        f"database url: {why}; use sqlite:////absolute/path/agent.db "
        "or postgresql://user:password@host/database"
    )


def file_of(url: sa.URL) -> Path | None:
    """Return the file of an SQLite database, None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return None
    return Path(url.database)


def writer(url: sa.URL) -> sa.Engine:
    """Return an engine whose transactions may write: durable at commit, foreign keys enforced."""
    return _engine(url, begin="BEGIN IMMEDIATE", poolclass=sa.pool.NullPool)


def reader(url: sa.URL, *, connections: int) -> sa.Engine:
    """Return an engine for reads only: a write through it is an error of the caller."""
    engine = _engine(
        url,
        begin="BEGIN",
        poolclass=sa.pool.QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=file_of(url) is None,  # a file does not hang up
    )
    statement = (
        "PRAGMA query_only = ON"
        if engine.dialect.name == "sqlite"
        else "SET default_transaction_read_only = on"
    )
    _at_connect(engine, statement)
    return engine


def session(url: sa.URL) -> sa.Engine:
    """Return an engine for the PostgreSQL connection that holds session locks.

    The server asks after us too: a dead machine's locks are free after 5 + 3 * 2 s.
    """
    watched = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    return sa.create_engine(
        url,
        connect_args={**_KEEPALIVE, "options": watched},
        isolation_level="AUTOCOMMIT",
        poolclass=sa.pool.NullPool,
    )


def _engine(url: sa.URL, *, begin: str, **options: Any) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, begin=begin, **options)
    wanted = {name: value for name, value in _KEEPALIVE.items() if name not in url.query}
    engine = sa.create_engine(url, connect_args=wanted, **options)
    _at_connect(engine, "SET synchronous_commit = on", "SET timezone = 'UTC'")
    return engine


def _sqlite(url: sa.URL, *, begin: str, **options: Any) -> sa.Engine:
    # isolation_level None: the driver opens no transaction by itself, ours begin where we say.
    connect_args = {
        "isolation_level": None,
        "timeout": BUSY_TIMEOUT,
        "check_same_thread": False,
    }
    engine = sa.create_engine(url, connect_args=connect_args, **options)
    _at_connect(
        engine,
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        # PostgreSQL tells upper from lower case: a filter answers alike on both.
        "PRAGMA case_sensitive_like = ON",
    )

    def start(dbapi_connection: sa.pool.PoolProxiedConnection) -> None:
        dbapi_connection.cursor().execute(begin)

    # Not an event "begin", as Core's manual has it: with any event listened to, Core looks for
    # listeners around each statement, which takes a fifth of a short one's time.
    engine.dialect.do_begin = start  # type: ignore[method-assign]  # the one place to say BEGIN at
    engine.dialect.statement_compiler = _WithHints
    return engine


class _WithHints(sqlite.SQLiteCompiler):
    """Says a statement's hint for SQLite (``INDEXED BY``): Core takes it and leaves it out."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        """What follows the table's name."""
        del table
        return text


def _at_connect(engine: sa.Engine, *statements: str) -> None:
    def prepare(raw: sa_engine.interfaces.DBAPIConnection, _record: object) -> None:
        cursor = raw.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        raw.commit()

    event.listen(engine, "connect", prepare)


def trouble(error: BaseException) -> Trouble:
    """Judge an error that came out of a unit, a begin or a commit."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _sqlite_trouble(original)
    if isinstance(original, psycopg.Error):
        return _postgres_trouble(original)
    return Trouble.OWN


def _sqlite_trouble(error: sqlite3.Error) -> Trouble:
    # an error raised by Python's module itself (a closed connection) carries no code
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _SQLITE_BROKEN or code & 0xFF in _SQLITE_BROKEN:
        return Trouble.BROKEN
    return Trouble.OUTAGE if code & 0xFF in _SQLITE_OUTAGE else Trouble.OWN


def _postgres_trouble(error: psycopg.Error) -> Trouble:
    if error.sqlstate is None:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Trouble.OUTAGE if lost else Trouble.OWN
    if error.sqlstate in _POSTGRES_RACE:
        return Trouble.RACE
    return Trouble.OUTAGE if error.sqlstate.startswith(_POSTGRES_OUTAGE) else Trouble.OWN
