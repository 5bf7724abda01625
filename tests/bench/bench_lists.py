"""A page of 100,000 services, filtered and sorted, at the front and far behind: is its price flat?

Run: ``scripts/bench lists [SERVICES]``. Ours is what a GET of TMF638 asks the inventory, its total and
the services' ports and ends included, over SQLite. Beside it what one writes first: a mapped class of
SQLAlchemy's ORM over the same columns without our indexes, ``filter_by``, ``order_by``, ``offset``,
``limit`` and a count, with nothing loaded beside. CPU seconds of this process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from inventory.rows import history, tables
from inventory.services import service_queries
from oss_agent import database
from oss_agent.spi import query
from tests.bench import table

_PAGE, _TRIES, _AT_ONCE = 100, 5, 5_000
_TENANT = "default"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_STATES = ("active", "active", "active", "terminated")
_SORTS = {"name": "name", "startDate": "start_date"}
"""What the list is sorted by, and its column."""


@dataclass(frozen=True, slots=True)
class Far:
    """CPU seconds of the first page, and of one that lies behind nine tenths of the matches."""

    front: float
    behind: float


class Mapped(orm.DeclarativeBase):
    """What a first draft maps."""


_PLAIN = sa.Table(
    "plain_services",
    Mapped.metadata,
    *(sa.Column(c.name, c.type, primary_key=c.primary_key) for c in tables.services.c),
)
"""The same columns, and no index but its key's."""


class Service(Mapped):
    """A service as a first draft has it."""

    __table__ = _PLAIN


def measure(count: int) -> Iterator[table.Row]:
    """Each sort key with a filter, front and behind, ours and plain."""
    with tempfile.TemporaryDirectory() as place:
        url = database.parse(f"sqlite:///{Path(place) / 'agent.db'}")
        engine = database.writer(url)
        try:
            with engine.begin() as connection:
                _fill(connection, count)
            with engine.connect() as connection:
                for name in _SORTS:
                    yield from _rows(connection, name, count)
        finally:
            engine.dispose()


def _rows(connection: sa.Connection, name: str, count: int) -> Iterator[table.Row]:
    matches = count * _STATES.count("active") // len(_STATES)
    offset = matches * 9 // 10
    ours, plain = (
        Far(_cpu(partial(page, connection, name, 0)), _cpu(partial(page, connection, name, offset)))
        for page in (_ours, _plain)
    )
    what = f"{count} services, active, by {name}"
    yield table.cost(f"{what}: first page", ours.front, "plain ORM", plain.front)
    yield table.cost(f"{what}: at {offset}", ours.behind, "plain ORM", plain.behind)
    steep = f"plain ORM {plain.behind / plain.front:.1f} x"
    yield table.Row(f"{what}: far over first", f"{ours.behind / ours.front:.1f} x", steep)


def _cpu(page: Callable[[], int]) -> float:
    """The median of a few tries, after one that warms the caches."""
    assert page() == _PAGE
    spent: list[float] = []
    for _ in range(_TRIES):
        began = time.process_time()
        page()
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def _ours(connection: sa.Connection, name: str, offset: int) -> int:
    asked = query.Query(
        tenant=_TENANT,
        filters=(query.Filter("state", query.Operator.EQ, ("active",)),),
        sort=(query.Sort(name),),
        offset=offset,
        limit=_PAGE,
    )
    return len(service_queries.find(connection, asked).items)


def _plain(connection: sa.Connection, name: str, offset: int) -> int:
    column: Any = _PLAIN.c[_SORTS[name]]
    with orm.Session(connection) as session:
        found = session.query(Service).filter_by(state="active", tenant=_TENANT)
        found.count()
        return len(found.order_by(column).offset(offset).limit(_PAGE).all())


def _fill(connection: sa.Connection, count: int) -> None:
    tables.METADATA.create_all(connection)
    Mapped.metadata.create_all(connection)
    for first in range(0, count, _AT_ONCE):
        rows = [_row(number) for number in range(first, min(count, first + _AT_ONCE))]
        history.begin_all(connection, tables.services, rows, _BEGAN)
    names = [c.name for c in tables.services.c]
    copied = sa.insert(_PLAIN).from_select(names, sa.select(tables.services))
    connection.execute(copied)
    connection.exec_driver_sql("ANALYZE")


def _row(number: int) -> dict[str, Any]:
    """A service; names and dates do not come in the order of ids."""
    scattered = number * 7_919 % 1_000_003
    return {
        "id": f"s{number}-1",
        "tenant": _TENANT,
        "name": f"acme-{scattered:07d}",
        "category": "CFS",
        "specification_id": "eline",
        "specification_version": "1.0",
        "specification_name": "E-Line",
        "characteristics": {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3", "bandwidth": 20},
        "customer": f"customer-{number % 500}",
        "order_id": str(number),
        "parent": None,
        "state": _STATES[number % len(_STATES)],
        "operating_status": "running",
        "cause": None,
        "status_since": _BEGAN,
        "service_date": _BEGAN,
        "start_date": _BEGAN + timedelta(seconds=scattered),
        "end_date": None,
    }


if __name__ == "__main__":
    services = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table.run("lists", lambda: measure(services))
