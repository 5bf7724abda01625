"""Product rows on both databases: what a customer bought, its services, its legal moves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.planning import ledger
from inventory.services import product_queries, product_states, product_views
from oss_agent import clock, errors
from oss_agent.spi.ledger import ServiceRow
from oss_agent.spi.products import ProductRow, ProductStatus, RealizingService
from oss_agent.spi.query import Filter, Operator, Query, Sort
from oss_agent.spi.views import ServiceState, SpecificationRef

_T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_ROW = ProductRow(
    id="p1-1",
    tenant="default",
    name="acme office",
    offering=SpecificationRef("business-bundle", "1.0", "Business bundle"),
    characteristics={"bandwidth": 20},
    customer="acme",
    order="po1",
    order_item="1",
)
_SERVICE = ServiceRow(
    id="s1-1",
    tenant="default",
    name="acme office line",
    category="CFS",
    specification=SpecificationRef("eline", "1.0", "E-Line"),
    characteristics={},
    customer="acme",
    order="1",
)


@pytest.fixture
def it() -> ledger.SqlLedger:
    return ledger.SqlLedger(clock.SystemClock())


def _after(seconds: float) -> datetime:
    return _T0 + timedelta(seconds=seconds)


def _asked(path: str, *values: str, operator: Operator = Operator.EQ) -> Query:
    return Query("default", (Filter(path, operator, values),), (Sort("name", descending=True),))


def test_a_product_begins_pending_and_keeps_its_status_when_its_content_changes(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    made = it.put_product(connection, _ROW, _T0)
    assert (made.status, made.order_date, made.start_date) == ("pendingActive", _T0, None)

    active = it.move_product(connection, product="p1-1", status=ProductStatus.ACTIVE, at=_after(60))
    changed = it.put_product(
        connection, replace(_ROW, characteristics={"bandwidth": 50}), _after(120)
    )
    assert active.start_date == changed.start_date == _after(60)
    assert (changed.status, changed.characteristics["bandwidth"]) == (ProductStatus.ACTIVE, 50)
    assert changed.order_date == _T0


def test_another_tenants_product_is_neither_changed_nor_seen(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_product(connection, _ROW, _T0)
    with pytest.raises(errors.Conflict):
        it.put_product(connection, replace(_ROW, tenant="other"), _T0)
    assert it.products(connection, "other", ("p1-1",)) == {}
    with pytest.raises(errors.NotFound):
        product_views.one(connection, "p1-1", tenant="other")


def test_a_part_has_one_service_and_its_state_is_shown(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_product(connection, _ROW, _T0)
    for service in ("s0-1", "s1-1"):
        it.link_service(connection, product="p1-1", part="line", service=service, at=_T0)
    assert it.products(connection, "default", ("p1-1",))["p1-1"].services == (
        RealizingService("line", "s1-1", "", None),
    )
    it.put_service(connection, _SERVICE, _after(1))
    found = it.product_of(connection, "s1-1")
    assert found is not None
    assert found.services == (
        RealizingService("line", "s1-1", "acme office line", ServiceState.DESIGNED),
    )
    assert it.product_of(connection, "s0-1") is None

    it.unlink_service(connection, product="p1-1", service="s1-1", at=_after(2))
    it.unlink_service(connection, product="p1-1", service="s1-1", at=_after(2))
    assert it.product_of(connection, "s1-1") is None


def test_only_the_moves_of_the_diagram_are_made(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_product(connection, _ROW, _T0)
    with pytest.raises(errors.Conflict, match="aborted, active, cancelled"):
        it.move_product(connection, product="p1-1", status=ProductStatus.TERMINATED, at=_T0)
    for second, status in enumerate(("active", "suspended", "active", "terminated"), start=1):
        it.move_product(connection, product="p1-1", status=ProductStatus(status), at=_after(second))
    ended = product_views.one(connection, "p1-1")
    assert (ended.start_date, ended.termination_date) == (_after(1), _after(4))


def test_final_statuses_lead_nowhere() -> None:
    for before, after in itertools.product(ProductStatus, repeat=2):
        if before.final and before is not after:
            assert not product_states.legal(before, after)
    assert product_states.successors(ProductStatus.CANCELLED) == ()


def test_products_are_found_by_what_they_are_called_on_the_surface(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_product(connection, _ROW, _T0)
    it.put_product(connection, replace(_ROW, id="p2-1", name="zeta", customer="zeta"), _after(5))
    it.link_service(connection, product="p1-1", part="line", service="s1-1", at=_T0)
    it.put_service(connection, _SERVICE, _T0)

    def ids(query: Query) -> list[str]:
        return [view.id for view in product_queries.find(connection, query).items]

    assert ids(Query("default", sort=(Sort("name", descending=True),))) == ["p2-1", "p1-1"]
    assert ids(_asked("relatedParty.id", "acme")) == ["p1-1"]
    assert ids(_asked("status", "active")) == []
    assert ids(_asked("realizingService.id", "s1-1")) == ["p1-1"]
    assert ids(_asked("realizingService.name", "acme office line")) == ["p1-1"]
    assert ids(_asked("productOffering.id", "business-bundle")) == ["p2-1", "p1-1"]
    assert ids(_asked("orderDate", "2026-11-21T10:00:01Z", operator=Operator.GT)) == ["p2-1"]
    assert ids(Query("other")) == []
    with pytest.raises(errors.OrderRejected, match="cannot be asked for"):
        ids(_asked("productPrice", "1"))
