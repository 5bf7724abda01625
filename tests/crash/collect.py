"""Gathers the facts of a world: tables as they are on disk, the devices' memory, billing's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa

from oss_agent import audit
from oss_agent.catalog import specification
from oss_agent.testing.checker.facts import Device, Expected, Facts
from tests.crash.world import World

_ROOMS = ("ord_", "out_", "aud_", "inv_")
_WITHOUT = frozenset(
    {
        "ord_evidence",
        "inv_device_states",
        "inv_device_words",
        "inv_neighbours",
        "inv_addresses",
    }
)


def collect(world: World, *, seed: int = 0, expected: Expected | None = None) -> Facts:
    """The facts as they are now; nobody is asked who could be wrong about himself."""
    tables, broken, damage = database(world.store_url)
    devices = {name: Device(**one) for name, one in world.network.ask(do="facts").items()}
    return Facts(
        tables=tables,
        devices=devices,
        billing=_lines(world.place / "billing.jsonl"),
        sender=tuple(world.sender),
        needs={one.id: tuple(one.pools) for one in specification.load()},
        audit=broken,
        damage=damage,
        expected=expected or Expected(),
        seed=seed,
        kills=tuple(world.kills),
    )


Tables: TypeAlias = dict[str, list[dict[str, Any]]]


def database(url: str) -> tuple[Tables, int | None, tuple[str, ...]]:
    """Every row, the audit's first broken entry, and what the database's own check found."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    try:
        with engine.connect() as connection:
            metadata.reflect(connection)
            tables = {
                name: [dict(row) for row in connection.execute(_ordered(table)).mappings()]
                for name, table in metadata.tables.items()
                if name.startswith(_ROOMS) and name not in _WITHOUT
            }
            return tables, audit.verify(connection), _damage(connection)
    finally:
        engine.dispose()


def _damage(connection: sa.Connection) -> tuple[str, ...]:
    if connection.dialect.name != "sqlite":
        return ()
    said = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
    return tuple(words for words in said if words != "ok")


def _ordered(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key.columns)


def _lines(file: Path) -> tuple[Any, ...]:
    if not file.exists():
        return ()
    return tuple(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
