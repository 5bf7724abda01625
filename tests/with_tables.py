"""SQLite files that have their tables already: to copy one costs nothing, to make one 30 ms of CPU and more."""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from oss_agent import database

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in globals of its own: two worlds that open in threads broke each other."""


def copied(to: Path, *rooms: sa.MetaData) -> str:
    """Write a database with these rooms' tables; its URL."""
    return copied_of(create, to, *rooms)


def copied_of(make: Callable[..., object], to: Path, *rooms: sa.MetaData) -> str:
    """Write what ``make`` makes of an empty database, told its URL and the rooms; the URL."""
    with _ONE_AT_A_TIME:
        made = _made(make, rooms)
    to.write_bytes(made)
    return f"sqlite:///{to}"


def create(url: str, *rooms: sa.MetaData) -> None:
    """Make these rooms' tables in a database of any kind."""
    engine = database.writer(database.parse(url))
    with engine.begin() as connection:
        for room in rooms:
            room.create_all(connection)
    engine.dispose()


@functools.cache
def _made(make: Callable[..., object], rooms: tuple[sa.MetaData, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "agent.db"
        make(f"sqlite:///{file}", *rooms)
        return file.read_bytes()
