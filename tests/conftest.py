"""Peers that tests of every room share; a room's own fixtures stay beside its tests."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
import structlog

from lab import peers
from tests import lab_or_skip

_numbers = itertools.count()
_CONNECTS_WITHIN = 300
"""Seconds. The agent gives a server five, and tries again: a test that stood still for so long would fail."""
_UNSYNCED = ("fsync=off", "full_page_writes=off")
"""Of a server that no power cut meets: its death or ours loses nothing."""


def pytest_configure() -> None:
    """Machines are shared: how long an example takes says nothing about the code.

    A log line's traceback is plain: to draw one in boxes with every local cost up to 5 s of CPU.
    """
    hypothesis.settings.register_profile(
        "shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("shared")
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_collection_finish() -> None:
    """What was imported lives as long as the run: to walk it again and again cost a tenth of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[peers.PostgresPeer]:
    """One PostgreSQL for the whole run; each test makes its own database in it."""
    with lab_or_skip.needed(), peers.postgres(settings=_UNSYNCED) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'agent.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def postgres_url(
    new_postgres: Callable[[str], str], postgres_server: peers.PostgresPeer, postgres_origin: str
) -> Iterator[str]:
    """A database of the test's own in PostgreSQL, for tests marked ``peer``.

    It goes at once: before its files are on the disk, from where some machines take a second to
    remove a database, and every worker would have a hundred of them in the end.
    """
    url = new_postgres(postgres_origin)
    yield url
    _tell(postgres_server, f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_origin() -> str:
    """The database that a test's own is a copy of: an empty one, where a room has no other."""
    return "template1"


@pytest.fixture(scope="session")
def new_postgres(postgres_server: peers.PostgresPeer) -> Callable[..., str]:
    """Makes databases, empty ones or copies, for fixtures that outlive a test."""

    def made(origin: str = "template1") -> str:
        name = f"test{next(_numbers)}"
        _tell(postgres_server, f"CREATE DATABASE {name} TEMPLATE {origin}")
        return f"{postgres_server.url_of(name)}?connect_timeout={_CONNECTS_WITHIN}"

    return made


def _tell(server: peers.PostgresPeer, statement: str) -> None:
    """One statement outside of every transaction."""
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked ``anyio`` run on asyncio, as the agent does (anyio's own pytest plugin)."""
    return "asyncio"
