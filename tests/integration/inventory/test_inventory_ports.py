"""What surfaces can ask of services and resources, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from inventory.looks import polled_ports
from inventory.planning import port_claims
from inventory.pools import pool_claims, pools
from inventory.rows import tables
from inventory.services import ports, services
from oss_agent import errors, store
from oss_agent.spi import ledger
from oss_agent.spi.query import Filter, Operator, Query, Sort
from oss_agent.spi.views import ServiceState, SpecificationRef

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
Add = Callable[[sa.Connection], None]
T = TypeVar("T")


def _service(number: int, **changes: object) -> ledger.ServiceRow:
    row = {
        "id": f"svc-{number}",
        "tenant": "default",
        "name": f"eline {number}",
        "category": "CFS",
        "specification": SpecificationRef("eline", "1", "E-Line"),
        "characteristics": {},
        "customer": "acme",
        "order": str(number),
        "resources": (("pe1", f"eth{number}"),),
    }
    return ledger.ServiceRow(**{**row, **changes})  # type: ignore[arg-type]  # a test's shorthand


def _fill(connection: sa.Connection, add_network: Add) -> None:
    tables.METADATA.create_all(connection)
    add_network(connection)
    for number in range(1, 6):
        services.put(connection, _service(number), _AT + timedelta(hours=number))
    services.put(connection, _service(9, tenant="other"), _AT)
    services.move(connection, "svc-1", ServiceState.ACTIVE, _AT + timedelta(hours=9))
    polled_ports.observe_ports(connection, "pe1", [("eth4", 5, "up", "up")], _AT)
    port_claims.take(
        connection, service="svc-4", order="4", ports=[("pe1", "eth4")], tenant="default", at=_AT
    )
    pools.seed(connection, [pools.PoolRange("core-vni", 10100, 10999)], tenant="default", at=_AT)
    pool_claims.claim(connection, pool="core-vni", key="svc-4", wanted=None, at=_AT)


def _ask(
    database_url: str, add_network: Add, question: Callable[[store.SqlStore], Awaitable[T]]
) -> T:
    async def body() -> T:
        async with store.open_store(database_url) as it:
            await it.write(lambda connection: _fill(connection, add_network))
            return await question(it)

    return asyncio.run(body())


@pytest.fixture
def ids(database_url: str, network: Add) -> Callable[..., tuple[list[str], int]]:
    """Ask for services or resources and get their ids and the total."""

    def ask(kind: str, *filters: Filter, **window: object) -> tuple[list[str], int]:
        query = Query("default", tuple(filters), **window)  # type: ignore[arg-type]  # shorthand

        async def find(it: store.SqlStore) -> tuple[list[str], int]:
            if kind == "service":
                services_page = await ports.ServicePort(it).find(query)
                return [view.id for view in services_page.items], services_page.total
            resources_page = await ports.ResourcePort(it).find(query)
            return [view.id for view in resources_page.items], resources_page.total

        return _ask(database_url, network, find)

    return ask


Ids = Callable[..., tuple[list[str], int]]


def _is(path: str, *values: str) -> Filter:
    return Filter(path, Operator.EQ, values)


def test_a_page_has_a_total_and_another_tenant_is_never_on_it(ids: Ids) -> None:
    assert ids("service", offset=1, limit=2) == (["svc-2", "svc-3"], 5)


def test_sort_descends_by_time(ids: Ids) -> None:
    found, _ = ids("service", sort=(Sort("serviceDate", descending=True),), limit=2)

    assert found == ["svc-5", "svc-4"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (_is("state", "active"), ["svc-1"]),
        (_is("id", "svc-2", "svc-3"), ["svc-2", "svc-3"]),
        (_is("isServiceEnabled", "true"), ["svc-1"]),
        (_is("supportingResource.id", "pe1:eth4"), ["svc-4"]),
        (_is("serviceSpecification.id", "eline2"), []),
        (_is("relatedEntity.id", "5"), ["svc-5"]),
        (Filter("state", Operator.NE, ("designed",)), ["svc-1"]),
        (Filter("serviceDate", Operator.GT, ("2026-11-21T14:00:00Z",)), ["svc-5"]),
        (Filter("serviceDate", Operator.LTE, ("2026-11-21T11:00:00+00:00",)), ["svc-1"]),
        (_is("name", "eline 1' OR '1'='1"), []),
        (Filter("name", Operator.LIKE, ("eline _", "nobody")), [f"svc-{n}" for n in range(1, 6)]),
        (Filter("name", Operator.LIKE, ("E%", "%\\_%")), []),
        (Filter("supportingResource.id", Operator.LIKE, ("%:eth4",)), ["svc-4"]),
        (
            Filter("supportingResource.id", Operator.NE, ("pe1:eth4",)),
            ["svc-1", "svc-2", "svc-3", "svc-5"],
        ),
    ],
)
def test_services_are_filtered(ids: Ids, asked: Filter, expected: list[str]) -> None:
    assert ids("service", asked) == (expected, len(expected))


@pytest.mark.parametrize(
    ("filters", "expected"), [((), ["svc-1", "svc-4"]), ((_is("id", "svc-4"),), ["svc-4"])]
)
def test_of_a_group_one_condition_is_enough(
    ids: Ids, filters: tuple[Filter, ...], expected: list[str]
) -> None:
    group = (_is("state", "active"), _is("supportingResource.id", "pe1:eth4"))

    assert ids("service", *filters, either=(group,)) == (expected, len(expected))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Filter("serviceDate", Operator.LIKE, ("2026%",)), "cannot be compared"),
        (_is("colour", "red"), "'colour' cannot be asked for; known are"),
        (_is("serviceDate", "yesterday"), "cannot be compared"),
        (_is("name", "a\x00b"), "control character"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(ids: Ids, asked: Filter, words: str) -> None:
    with pytest.raises(errors.OrderRejected, match=words) as told:
        ids("service", asked)
    assert (told.value.status, told.value.field) == (400, asked.path)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (_is("category", "device"), ["b1", "pe1", "pe2"]),
        (_is("category", "logical"), ["core-vni:10100"]),
        (_is("usageState", "busy"), ["core-vni:10100", "pe1:eth4"]),
        (_is("operationalState", "enable"), ["b1", "core-vni:10100", "pe1", "pe1:eth4", "pe2"]),
        (_is("resourceStatus", "reserved"), ["core-vni:10100", "pe1:eth4"]),
    ],
)
def test_resources_are_filtered(ids: Ids, asked: Filter, expected: list[str]) -> None:
    found, total = ids("resource", asked)

    assert (sorted(found), total) == (expected, len(expected))


def test_a_resource_says_what_it_is_related_to(database_url: str, network: Add) -> None:
    async def question(it: store.SqlStore) -> None:
        port = ports.ResourcePort(it)
        eth4 = await port.get("default", "pe1:eth4")
        assert eth4.relationships == (("isContainedIn", "pe1"), ("isConnectedTo", "b1:eth1"))
        assert eth4.characteristics == {"device": "pe1", "ifindex": 5, "description": ""}
        pe1 = await port.get("default", "pe1")
        assert pe1.relationships == (("contains", "pe1:eth3"), ("contains", "pe1:eth4"))
        with pytest.raises(errors.NotFound):
            await port.get("other", "pe1:eth4")
        with pytest.raises(errors.NotFound):
            await ports.ServicePort(it).get("default", "svc-9")

    _ask(database_url, network, question)


_DERIVED = {"inv_pool_floors", "inv_pool_holes", "inv_backup_texts"}
"""Reached only through rows that have a tenant: where a pool's search begins, texts by their digest."""


def test_every_table_is_ours_and_has_a_tenant(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    tables.METADATA.create_all(engine)
    assert all(name.startswith("inv_") for name in sa.inspect(engine).get_table_names())
    without = {name for name, table in tables.METADATA.tables.items() if "tenant" not in table.c}
    assert without == _DERIVED
    engine.dispose()
