"""Resource orders, usage and events as surfaces ask for them, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from oss_agent import errors, store
from oss_agent.assurance import tables as assured
from oss_agent.assurance import usage_port, usage_rows
from oss_agent.fulfilment.record import resource_queries, tables
from oss_agent.outbox import port, rows
from oss_agent.outbox import tables as outbox
from oss_agent.spi import events, query, views

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
Op = query.Operator


def _fill(connection: sa.Connection) -> None:
    for metadata in (tables.METADATA, assured.METADATA, outbox.METADATA):
        metadata.create_all(connection)
    for number in range(1, 5):
        at = AT + timedelta(minutes=number)
        tenant = "other" if number == 4 else "default"
        _order(connection, number, tenant, at)
        usage_rows.put_record(connection, _record(number, tenant, at), known_from=at)
        kind = events.EventKind.SERVICE_CREATE if number == 1 else events.EventKind.SERVICE_STATE
        told = events.Event(f"e{number}", kind, tenant, "service:s1", at, {"n": number})
        rows.append(connection, told)


def _order(connection: sa.Connection, number: int, tenant: str, at: datetime) -> None:
    if number == 1:
        connection.execute(tables.order.insert().values(**_service_order(at)))
    row = {
        "id": str(number),
        "number": number,
        "tenant": tenant,
        "order_id": "17",
        "transaction_id": "t",
        "state": "completed" if number == 1 else "inProgress",
        "order_date": at,
        "completion_date": at if number == 1 else None,
    }
    item = {
        "resource_order_id": str(number),
        "position": 1,
        "tenant": tenant,
        "device": f"pe{number}",
        "rfs": "eline-pe",
        "action": "add",
        "state": row["state"],
        "change": "",
        "reverse": "",
    }
    connection.execute(tables.resource_order.insert().values(**row))
    connection.execute(tables.resource_item.insert().values(**item))


def _service_order(at: datetime) -> dict[str, object]:
    row: dict[str, object] = {"id": "17", "number": 17, "order_date": at, "extra": {}}
    row |= dict.fromkeys(("tenant", "requester", "body_digest"), "x")
    return row | {"state": "inProgress", "cancel_requested": False}


def _record(number: int, tenant: str, at: datetime) -> views.UsageView:
    return views.UsageView(
        f"u{number}", tenant, f"s{number}", "acme", "acme", f"pe{number}:eth4",
        at, at + timedelta(minutes=5), 0, 7, None, None, ("a", "b"),
    )  # fmt: skip


def _is(path: str, *values: str, how: query.Operator = Op.EQ) -> query.Filter:
    return query.Filter(path, how, values)


CASES: list[tuple[str, query.Filter, list[str]]] = [
    ("orders", _is("id", "1", "2", "4"), ["1", "2"]),
    ("orders", _is("state", "completed"), ["1"]),
    ("orders", _is("orderItem.state", "completed", how=Op.NE), ["2", "3"]),
    ("orders", _is("name", "eline-pe on pe2"), ["2"]),
    ("orders", _is("name", "%pe_", how=Op.LIKE), ["1", "2", "3"]),
    ("orders", _is("completionDate", "2026-11-21T10:00:00Z", how=Op.GT), ["1"]),
    ("orders", _is("completionDate", "2026-11-21T10:01:00Z", how=Op.NE), ["2", "3"]),
    ("orders", _is("externalReference.id", "17"), ["1", "2", "3"]),
    ("usage", _is("id", "u2"), ["u2"]),
    ("usage", _is("usageDate", "2026-11-21T10:07:00Z", how=Op.LTE), ["u1", "u2"]),
    ("usage", _is("status", "received"), ["u1", "u2", "u3"]),
    ("usage", _is("status", "billed"), []),
    ("usage", _is("relatedParty.id", "acme"), ["u1", "u2", "u3"]),
    ("usage", _is("meterPoint", "pe3:eth4"), ["u3"]),
    ("events", _is("eventType", "ServiceCreateEvent"), ["e1"]),
    ("events", _is("correlationId", "service:s1"), ["e1", "e2", "e3"]),
    ("events", _is("eventTime", "2026-11-21T10:02:00Z", how=Op.GTE), ["e2", "e3"]),
]


def test_records_are_filtered_sorted_and_paged(database_url: str) -> None:
    async def story() -> None:
        async with store.open_store(database_url) as it:
            await it.write(_fill)
            ports: dict[str, query.Port[object]] = {
                "orders": resource_queries.ResourceOrders(it),
                "usage": usage_port.UsagePort(it),
                "events": port.EventPort(it),
            }
            for name, asked, expected in CASES:
                page = await ports[name].find(query.Query("default", (asked,)))
                assert (list(map(_key, page.items)), page.total) == (expected, len(expected)), asked
            for one in ports.values():
                await _judge(one)

    asyncio.run(story())


async def _judge(one: query.Port[object]) -> None:
    """What holds for every port: pages, groups, order, tenants, refusals."""
    every = [_key(row) for row in (await one.find(query.Query("default"))).items]
    turned = (query.Sort("id", descending=True),)
    page = await one.find(query.Query("default", sort=turned, offset=1, limit=1))
    assert ([_key(row) for row in page.items], page.total) == ([every[1]], 3)
    group = (_is("id", every[0]), _is("id", every[2]))
    page = await one.find(query.Query("default", either=(group,)))
    assert [_key(row) for row in page.items] == [every[0], every[2]]
    assert _key(await one.get("default", every[0])) == every[0]
    with pytest.raises(errors.NotFound):
        await one.get("other", every[0])
    for bad in (_is("colour", "red"), _is("id", "a\0b")):
        with pytest.raises(errors.OrderRejected) as refused:
            await one.find(query.Query("default", (bad,)))
        assert refused.value.field == bad.path


def _key(row: object) -> str:
    return str(getattr(row, "id", "") or getattr(row, "key", ""))
