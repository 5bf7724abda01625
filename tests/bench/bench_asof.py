"""What did we believe then, asked of a million versions: one service, its ports, a page of the list.

Run: ``scripts/bench asof [VERSIONS]``. Services, half of them standing on another, that changed 24 times
each, on SQLite; the moments asked for are spread over all of the time there was. Ours are the questions of ``service show --at`` and
``service list --at`` (a page of 100 and the total). Beside them, on the same changes, what one has
without two times: a changelog with the whole object as JSON after each change, indexed by object and
time (as NetBox keeps it), asked for the newest entry before the moment; and a row per object with its
history in a JSON column.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from inventory.rows import tables
from inventory.services import service_queries, service_views
from oss_agent import database
from oss_agent.spi import query
from oss_agent.spi.moments import AsOf
from tests.bench import table

_CHANGES = 25
"""A change leaves two rows: what was believed till then, and what is known of that time since."""
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_STEP = timedelta(hours=6)
_TRIES, _PAGE = 9, 100
_METADATA = sa.MetaData()
_LOG = sa.Table(
    "changelog",
    _METADATA,
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("object", sa.String),
    sa.Column("at", sa.String),
    sa.Column("after", sa.Text),
    sa.Index("ix_changelog", "object", "at"),
)
_HISTORY = sa.Table(
    "with_history",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, index=True),
    sa.Column("history", sa.Text),
)


def measure(versions: int) -> Iterator[table.Row]:
    """One service and a page of the list, at moments spread over the time there was."""
    count = max(_PAGE, versions // (2 * _CHANGES))
    with tempfile.TemporaryDirectory() as place:
        engine = database.writer(database.parse(f"sqlite:///{Path(place) / 'agent.db'}"))
        with engine.begin() as connection:
            rows = _fill(connection, count)
        what = f"{rows} versions of {count} services"
        with engine.connect() as connection:
            yield from _rows(connection, count, what)
        engine.dispose()


def _rows(connection: sa.Connection, count: int, what: str) -> Iterator[table.Row]:
    names = [f"s{number * 7_919 % count}" for number in range(_TRIES)]
    one = _median(lambda n, at: _one(connection, names[n], at))
    logged = _median(lambda n, at: _logged(connection, names[n], at))
    kept = _median(lambda n, at: _kept(connection, names[n], at))
    yield table.cost(f"{what}: one", one, "changelog of JSON", logged)
    yield table.cost(f"{what}: one", one, "JSON history column", kept)
    page = _median(lambda _, at: _page(connection, at))
    logged = _median(lambda _, at: _logged_page(connection, at))
    kept = _median(lambda _, at: _kept_page(connection, at))
    yield table.cost(f"{what}: page and total", page, "changelog of JSON", logged)
    yield table.cost(f"{what}: page and total", page, "JSON history column", kept)


def _median(ask: Callable[[int, datetime], int]) -> float:
    """CPU seconds; the first of each warms the caches."""
    span = _STEP * _CHANGES
    ask(0, _BEGAN + span / 2)
    spent: list[float] = []
    for number in range(_TRIES):
        at = _BEGAN + span * (number + 1) / (_TRIES + 1)
        began = time.process_time()
        found = ask(number, at)
        spent.append(time.process_time() - began)
        if not found:
            sys.exit(f"nothing found at {at}")
    return statistics.median(spent)


def _one(connection: sa.Connection, key: str, at: datetime) -> int:
    view = service_views.one(connection, key, tenant="default", when=AsOf(at, at))
    return len(view.name)


def _page(connection: sa.Connection, at: datetime) -> int:
    asked = query.Query("default", sort=(query.Sort("name"),), limit=_PAGE)
    found = service_queries.find(connection, asked, AsOf(at, at))
    return found.total if len(found.items) == _PAGE else 0


def _logged(connection: sa.Connection, key: str, at: datetime) -> int:
    mine = sa.and_(_LOG.c.object == key, _LOG.c.at <= at.isoformat())
    newest = sa.select(_LOG.c.after).where(mine).order_by(_LOG.c.at.desc()).limit(1)
    return len(json.loads(connection.execute(newest).scalar_one())["name"])


def _logged_page(connection: sa.Connection, at: datetime) -> int:
    newest = (
        sa.select(_LOG.c.object, sa.func.max(_LOG.c.at).label("at"))
        .where(_LOG.c.at <= at.isoformat())
        .group_by(_LOG.c.object)
        .subquery()
    )
    same = sa.and_(_LOG.c.object == newest.c.object, _LOG.c.at == newest.c.at)
    rows = connection.execute(sa.select(_LOG.c.after).select_from(_LOG.join(newest, same)))
    found = sorted((json.loads(after) for (after,) in rows), key=lambda one: one["name"])
    return len(found) if len(found[:_PAGE]) == _PAGE else 0


def _kept(connection: sa.Connection, key: str, at: datetime) -> int:
    told = sa.select(_HISTORY.c.history).where(_HISTORY.c.id == key)
    return len(_last(connection.execute(told).scalar_one(), at)["name"])


def _kept_page(connection: sa.Connection, at: datetime) -> int:
    """By name, for the name does not change; the total is of those that there were."""
    rows = connection.execute(sa.select(_HISTORY.c.history).order_by(_HISTORY.c.name))
    return sum(1 for (history,) in rows if _last(history, at))


def _last(history: str, at: datetime) -> dict[str, Any]:
    moment = at.isoformat()
    every: list[dict[str, Any]] = json.loads(history)
    return [one for one in every if one["at"] <= moment][-1]


def _fill(connection: sa.Connection, count: int) -> int:
    """The same changes three times; by the driver, for a million rows take their time."""
    tables.METADATA.create_all(connection)
    _METADATA.create_all(connection)
    names = [c.name for c in tables.services.c if c.name != "row"]
    values = ", ".join("?" * len(names))
    ours = f"INSERT INTO inv_services ({', '.join(names)}) VALUES ({values})"  # noqa: S608  our names
    total = 0
    for number in range(count):
        rows = list(_versions(number))
        total += len(rows)
        connection.exec_driver_sql(ours, [tuple(row.get(name) for name in names) for row in rows])
        _copy(connection, number)
    connection.exec_driver_sql("ANALYZE")
    return total


def _versions(number: int) -> Iterator[dict[str, Any]]:
    """A row for what was believed until it changed, and one for what is known of that time."""
    for change in range(_CHANGES):
        begins, ends = _moment(number, change), _moment(number, change + 1)
        row = _service(number, change) | {"valid_from": _text(begins), "known_from": _text(begins)}
        last = change == _CHANGES - 1
        yield row | {"valid_to": None, "known_to": None if last else _text(ends)}
        if not last:
            yield row | {"valid_to": _text(ends), "known_from": _text(ends), "known_to": None}


def _copy(connection: sa.Connection, number: int) -> None:
    log = [
        {"at": _moment(number, change).isoformat(), **_service(number, change)}
        for change in range(_CHANGES)
    ]
    logged = [(f"s{number}", one["at"], json.dumps(one)) for one in log]
    connection.exec_driver_sql("INSERT INTO changelog (object, at, after) VALUES (?, ?, ?)", logged)
    kept = (f"s{number}", log[0]["name"], json.dumps(log))
    connection.exec_driver_sql("INSERT INTO with_history VALUES (?, ?, ?)", [kept])


def _moment(number: int, change: int) -> datetime:
    return _BEGAN + _STEP * change + timedelta(milliseconds=number % 10_000) * bool(change)


def _text(moment: datetime) -> str:
    """As SQLite keeps a moment."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _service(number: int, change: int) -> dict[str, Any]:
    return {
        "tenant": "default",
        "id": f"s{number}",
        "name": f"acme-{number * 7_919 % 1_000_003:07d}",
        "category": "RFS" if number % 2 else "CFS",
        "parent": f"s{number - 1}" if number % 2 else None,
        "specification_id": "eline",
        "specification_version": "1.0",
        "specification_name": "E-Line",
        "characteristics": json.dumps(
            {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3", "bandwidth": change}
        ),
        "customer": f"customer-{number % 500}",
        "order_id": str(number),
        "state": "active",
        "operating_status": ("running", "degraded")[change % 2],
        "status_since": _text(_moment(number, change)),
        "service_date": _text(_BEGAN),
        "start_date": _text(_BEGAN),
    }


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table.run("asof", partial(measure, size))
