"""Decides whether a database fits this release: bring an older one up, refuse a newer one.

All pending migrations are one transaction. There is no way down in place: a SQLite file is copied
before its schema changes, PostgreSQL has its own backups.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc

from oss_agent import database, errors

FOLDER = Path(__file__).parent
"""Where env.py and versions/ are; in the wheel too. Tests put a lineage of their own here."""

_LOCK: Final = 0x5C4E3A


@dataclasses.dataclass(frozen=True, slots=True)
class Migrated:
    """From which revision ("" = an empty database) to which, and where the copy of before lies."""

    before: str
    after: str
    backup: Path | None = None


def migrate(url: str) -> Migrated:
    """Bring the database to this release's schema. Blocks: call it before the loop serves anyone.

    ConfigurationError when a newer release wrote it; StoreUnavailable when it cannot be opened.
    """
    engine = database.writer(database.parse(url))
    try:
        return _migrate(engine)
    except exc.DatabaseError as error:  # 'file is not a database' is no OperationalError
        raise errors.StoreUnavailable(
            f"the database {engine.url.render_as_string()} cannot be opened or migrated: "
            f"{error.orig}; nothing was changed"
        ) from error
    finally:
        engine.dispose()


def _migrate(engine: sa.Engine) -> Migrated:
    with engine.connect() as connection:
        before = _current(connection)
    newest = revisions()[-1]
    backup = _back_up(engine.url, before) if before not in {"", newest} else None
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # nodes that start together migrate one after the other; held to the commit
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(configuration(connection), "head")
    return Migrated(before, newest, backup)


def _current(connection: sa.Connection) -> str:
    """The database's revision; ConfigurationError when this release does not know it."""
    current = MigrationContext.configure(connection).get_current_revision() or ""
    known = revisions()
    if current and current not in known:
        raise errors.ConfigurationError(
            f"the database {connection.engine.url.render_as_string()} was written by a newer "
            f"release (schema {current}, this release knows up to {known[-1]}): start that release, "
            "or restore the copy made before its first start"
        )
    return current


def _back_up(url: sa.URL, revision: str) -> Path | None:
    """Copy an SQLite file, synced, beside it; None on PostgreSQL."""
    file = database.file_of(url)
    if file is None:
        return None
    copy = file.with_name(f"{file.name}.schema-{revision}")
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(file)) as raw:
        raw.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.chmod(file.stat().st_mode & 0o777)
    _sync(unfinished)
    unfinished.replace(copy)
    _sync(copy.parent)
    return copy


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def revisions() -> list[str]:
    """Every revision of this release, oldest first."""
    script = ScriptDirectory.from_config(_config())
    return [step.revision for step in script.walk_revisions()][::-1]


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for work on one connection."""
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    # '%' would be taken for interpolation
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
