"""SQLite files that have their tables already: to copy one costs nothing, to make one 30 ms of CPU and more."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from oss_agent import database


def copied(to: Path, *rooms: sa.MetaData) -> str:
    """Write a database with these rooms' tables; its URL."""
    return copied_of(create, to, *rooms)


def copied_of(make: Callable[..., object], to: Path, *rooms: sa.MetaData) -> str:
    """Write what ``make`` makes of an empty database, told its URL and the rooms; the URL."""
    to.write_bytes(_made(make, rooms))
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
