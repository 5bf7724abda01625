"""A database with the inventory's tables, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent import database
from tests import with_tables

_LATER = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_origin(new_postgres: Callable[[], str]) -> str:
    """A database with the tables: to copy it takes a fifth of what it takes to make one."""
    url = new_postgres()
    with_tables.create(url, tables.METADATA)
    return str(sa.make_url(url).database)


@pytest.fixture
def database_url(database_url: str) -> str:
    """A database that has the tables."""
    file = database.file_of(database.parse(database_url))
    return with_tables.copied(file, tables.METADATA) if file else database_url


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    # Writers race here, and SQLite lets nobody stand in a queue: who has bad luck waits for long.
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 60.0)
    made = database.writer(database.parse(database_url))
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction with two routers and a test point, links declared between them."""
    with engine.begin() as opened:
        add_network(opened)
        yield opened


@pytest.fixture
def network() -> Callable[[sa.Connection], None]:
    """What adds the same network inside another transaction."""
    return add_network


def add_network(connection: sa.Connection, tenant: str = "default") -> None:
    for name, platform in (("pe1", "frr_linux"), ("pe2", "frr_linux"), ("b1", "linux_host")):
        add_device(connection, name, platform, tenant)
    ends = {"a_device": "b1", "a_port": "eth1", "z_device": "pe1", "z_port": "eth4"}
    history.begin(connection, tables.links, {"tenant": tenant, "source": "telco5", **ends}, _LATER)
    for device, port in (("pe1", "eth3"), ("pe1", "eth4"), ("pe2", "eth4"), ("b1", "eth1")):
        row = {"tenant": tenant, "ledger": tables.PLANNED, "device": device, "name": port}
        history.begin(connection, tables.interfaces, row, _LATER)


def add_device(connection: sa.Connection, name: str, platform: str, tenant: str) -> None:
    row = {
        "tenant": tenant,
        "name": name,
        "source": "telco5",
        "kind": "linux",
        "platform": platform,
        "managed": True,
        "reason": "",
        "address": f"172.20.20.{20 + len(name) * 10 + ord(name[-1]) - 48}",
        "role": "pe",
        "site": "north",
        "username": "admin",
        "password_ref": "env:LAB_PASSWORD",
        "community_ref": None,
        "ports": {},
        "router_id": "10.255.0.11" if name == "pe1" else None,
    }
    history.begin(connection, tables.devices, row, _LATER)
