"""What is asked at each order's end, each audit and each start is found by an index, not by reading a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event as sa_event

from inventory.drift import case_orders, pool_audits
from inventory.rows import tables
from oss_agent import audit, database, settings
from oss_agent.app import starting
from oss_agent.spi import events

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = database.writer(database.parse(database_url))
    with engine.begin() as opened:
        tables.METADATA.create_all(opened)
        audit.METADATA.create_all(opened)
        opened.execute(sa.insert(tables.cases), [_case(number) for number in range(500)])
        yield opened
    engine.dispose()


def _case(number: int) -> dict[str, Any]:
    words = dict.fromkeys(("subject", "kind", "evidence", "text", "cause", "action"), "x")
    times = {"valid_from": _AT, "known_from": _AT}
    of = {"tenant": "default", "id": str(number), "device": "pe1", "begun": str(number)}
    return {**words, **times, **of}


def _order_ended(connection: sa.Connection) -> None:
    payload = {"id": "17", "requester": case_orders.REQUESTER}
    kind = events.EventKind.SERVICE_ORDER_STATE
    ended = events.Event("1", kind, "default", "serviceOrder:17", _AT, payload)
    case_orders.Hearing(lambda _, __: None, lambda _, __: {}).append(connection, ended)


def _started(connection: sa.Connection) -> None:
    starting.tell(connection, settings.Settings(), _AT)


def _plan(connection: sa.Connection, ask: Callable[[sa.Connection], Any]) -> str:
    """How the first statement of ``ask`` is carried out."""
    said: list[tuple[str, Any]] = []

    def keep(_connection: object, _cursor: object, text: str, values: Any, *_rest: object) -> None:
        said.append((text, values))

    sa_event.listen(connection, "before_cursor_execute", keep)
    ask(connection)
    sa_event.remove(connection, "before_cursor_execute", keep)
    text, values = said[0]
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        # What is empty is read whole, whatever indexes it has.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("ANALYZE inv_cases")
        explain = "EXPLAIN"
    return str(connection.exec_driver_sql(f"{explain} {text}", values).all())


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (_order_ended, "ix_inv_cases_begun"),
        (pool_audits.released, "ix_inv_pool_claims_unseen"),
        (_started, "ix_aud_entry_action"),
    ],
    ids=["cases of an order", "releases unseen", "last start"],
)
def test_an_index_finds_it(
    connection: sa.Connection, ask: Callable[[sa.Connection], Any], index: str
) -> None:
    plan = _plan(connection, ask)
    assert index in plan
    assert "TEMP B-TREE" not in plan
