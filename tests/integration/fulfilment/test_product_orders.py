"""A product order is one service order, stored in one write; states and products follow in theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import failpoints, product
from oss_agent.fulfilment.record import pace, product_tables, tables
from oss_agent.fulfilment.turn import watch
from oss_agent.spi import catalogue, orders, product_orders, products, views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world

pytestmark = pytest.mark.anyio

TWIN = catalogue.Offering(
    "twin-line", "1.0", "Twin line", active=True, parts=("first", "second"), characteristics={}
)
PORTS = {"first": "eth3", "second": "eth4"}
PRODUCT = "p1-1"


class Twins:
    """One offering of two E-Lines, ``second`` after ``first``: what a catalogue would make of it.

    ``second`` may be told its far end; ``alone`` takes the first away.
    """

    def offerings(self) -> tuple[catalogue.Offering, ...]:
        return (TWIN,)

    def offering(self, key: str, version: str | None = None) -> catalogue.Offering:
        del key, version
        return TWIN

    def decompose_product(
        self,
        item: catalogue.ProductItem,
        now: catalogue.ProductNow | None = None,
        *,
        kept: bool = False,
    ) -> catalogue.ProductDesign:
        del kept  # nothing of it ever retires
        ordered = {**(now.ordered if now else {}), **item.characteristics}
        name = item.name or (now.name if now else "")
        wanted = _wanted(item.action, ordered)
        has = dict(now.services) if now else {}
        parts = [
            *(
                _part(item, one, views.ItemAction.DELETE, {}, has[one])
                for one in has.keys() - wanted
            ),
            *(
                _part(item, one, views.ItemAction.ADD, _ends(one, ordered))
                for one in TWIN.parts
                if one in wanted - has.keys()
            ),
            *(
                _part(item, one, views.ItemAction.MODIFY, dict(item.characteristics), has[one])
                for one in TWIN.parts
                if one in wanted & has.keys() and _differs(item, now)
            ),
        ]
        named = tuple(
            dataclasses.replace(
                one, item=dataclasses.replace(one.item, service_name=f"{name}-{one.part}")
            )
            if one.item.action is views.ItemAction.ADD
            else one
            for one in parts
        )
        return catalogue.ProductDesign(TWIN, name, ordered, named)


def _wanted(action: views.ItemAction, ordered: dict[str, Any]) -> set[str]:
    if action is views.ItemAction.DELETE:
        return set()
    return {"second"} if ordered.get("alone") else set(TWIN.parts)


def _differs(item: catalogue.ProductItem, now: catalogue.ProductNow | None) -> bool:
    told = {k: v for k, v in item.characteristics.items() if k == "bandwidth"}
    return now is not None and any(now.ordered.get(k) != v for k, v in told.items())


def _ends(part: str, ordered: dict[str, Any]) -> dict[str, Any]:
    far = ordered.get("farPort", PORTS[part]) if part == "second" else PORTS[part]
    ends = {"aEnd": f"pe1:{PORTS[part]}", "zEnd": f"pe2:{far}"}
    return ends | {"bandwidth": ordered.get("bandwidth", 20)}


def _part(
    item: catalogue.ProductItem,
    part: str,
    action: views.ItemAction,
    said: dict[str, Any],
    service: str | None = None,
) -> catalogue.ServicePart:
    said = {name: value for name, value in said.items() if name in {"aEnd", "zEnd", "bandwidth"}}
    adding = action is views.ItemAction.ADD
    made = orders.ItemRequest(
        id=f"{item.id}.{part}",
        action=action,
        specification="eline" if adding else "",
        specification_version=None,
        service_id=service,
        service_name=None,
        characteristics=said,
        path=item.path,
    )
    return catalogue.ServicePart(part, made)


@dataclasses.dataclass
class Shop:
    """The world, and who takes product orders in it."""

    world: world.World

    @property
    def desk(self) -> product.ProductOrders:
        """Made anew, for a crash makes new parts."""
        return product.ProductOrders(self.world.parts, Twins(), self.world.orders)

    async def order(self, **more: Any) -> product_orders.ProductOrderView:
        return (await self.desk.submit(request(**more))).order

    async def get(self, key: str = "po1") -> product_orders.ProductOrderView:
        return await self.desk.get(world.TENANT, key)

    async def product(self, key: str = PRODUCT) -> products.ProductView:
        def look(connection: sa.Connection) -> products.ProductView:
            return self.world.parts.ledger.products(connection, world.TENANT, (key,))[key]

        return await self.world.rows.read(look)

    async def told(self, entity: str) -> list[tuple[str, str]]:
        """Events of an entity: kind without its prefix, and the state or status it told."""
        table = world.EVENTS
        asked = sa.select(table).where(table.c.entity == entity).order_by(table.c.number)
        rows = await self.world.rows.read(lambda c: c.execute(asked).all())
        return [
            (row.kind.removesuffix("Event"), row.payload.get("state") or row.payload["status"])
            for row in rows
        ]


def request(
    action: views.ItemAction = views.ItemAction.ADD,
    said: dict[str, Any] | None = None,
    product_id: str | None = None,
    **more: Any,
) -> product_orders.ProductOrderRequest:
    item = catalogue.ProductItem(
        id="1",
        action=action,
        offering="twin-line",
        offering_version=None,
        name="acme" if action is views.ItemAction.ADD else None,
        characteristics=said or {},
        path="productOrderItem[0]",
    )
    items: Sequence[product_orders.ProductItemRequest] = more.pop(
        "items", (product_orders.ProductItemRequest(item, product_id),)
    )
    digest = more.pop("body_digest", f"{action}-{said}-{product_id}")
    return product_orders.ProductOrderRequest(
        world.TENANT, "acme", tuple(items), body_digest=digest, **more
    )


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Shop]:
    async with world.open_world(tmp_path) as opened:
        yield Shop(opened)


async def test_it_is_stored_with_its_service_order_and_its_product(it: Shop) -> None:
    order = await it.order(external_id="BSS-1", description="two lines")
    became = await it.world.get(order.service_order)
    made = await it.product()

    assert (order.id, order.state, order.items[0].state) == ("po1", "acknowledged", "acknowledged")
    assert order.items[0].service_items == ("1.first", "1.second")
    assert [item.service_name for item in became.items] == ["acme-first", "acme-second"]
    assert (became.description, became.external_id) == ("two lines", None)
    assert became.extra["externalReference"][0]["id"] == "po1"
    assert (made.status, made.order, made.order_item) == ("pendingActive", "po1", "1")
    assert [(one.part, one.id, one.state) for one in made.services] == [
        ("first", "s1-1", None),
        ("second", "s1-2", None),
    ]
    assert await it.told("productOrder:po1") == [("ProductOrderCreate", "acknowledged")]
    assert await it.told(f"product:{PRODUCT}") == [("ProductCreate", "pendingActive")]


async def test_a_death_around_the_write_leaves_all_of_it_or_nothing(it: Shop) -> None:
    await it.world.start(failpoints.Failpoints({"journal.accept_product.before": "raise"}))
    with pytest.raises(failpoints.Crash):
        await it.order(idempotency_key="k1")
    for table in (tables.order, tables.transaction, product_tables.product_order):
        assert await it.world.count(table) == 0

    await it.world.start(failpoints.Failpoints({"journal.accept_product.after": "raise"}))
    with pytest.raises(failpoints.Crash):
        await it.order(idempotency_key="k1")
    await it.world.start()
    again = await it.desk.submit(request(idempotency_key="k1"))
    assert (again.created, again.order.id, again.order.service_order) == (False, "po1", "1")
    await it.world.run_to_the_end()
    assert (await it.get()).state is views.OrderState.COMPLETED


async def test_states_flow_up_and_the_product_lives_when_its_services_do(it: Shop) -> None:
    await it.order()
    await it.world.run_to_the_end()
    order, made = await it.get(), await it.product()

    assert (order.state, order.items[0].state) == ("completed", "completed")
    assert order.completion_date == (await it.world.get("1")).completion_date
    assert (made.status, {one.state for one in made.services}) == ("active", {"active"})
    assert made.start_date is not None
    told = await it.told("productOrder:po1")
    assert [one for one in told if one[0] == "ProductOrderStateChange"] == [
        ("ProductOrderStateChange", "inProgress"),
        ("ProductOrderStateChange", "completed"),
    ]
    assert told.count(("ProductOrderAttributeValueChange", "inProgress")) == 1
    assert await it.told(f"product:{PRODUCT}") == [
        ("ProductCreate", "pendingActive"),
        ("ProductStateChange", "active"),
    ]


async def test_a_restart_between_the_parts_loses_no_state(it: Shop) -> None:
    await it.world.start(failpoints.Failpoints({"journal.decision.after": "raise"}))
    await it.order()
    with pytest.raises(BaseException):  # noqa: B017, PT011  a pretended death, alone or in a group
        await it.world.run()
    assert (await it.get()).state is views.OrderState.IN_PROGRESS
    await it.world.start()
    await it.world.run_to_the_end()
    assert ((await it.get()).state, (await it.product()).status) == ("completed", "active")


async def test_one_part_that_fails_makes_it_partial_and_the_product_neither(it: Shop) -> None:
    await it.order(said={"farPort": "eth99"})
    await it.world.run_to_the_end()
    order, made = await it.get(), await it.product()

    assert (order.state, order.items[0].state) == ("partial", "failed")
    assert order.error is not None
    assert "eth99" in order.error.message
    assert [(one.part, one.alive) for one in made.services] == [("first", True), ("second", False)]
    assert made.status is products.ProductStatus.PENDING_ACTIVE

    await it.order(action=views.ItemAction.DELETE, product_id=PRODUCT)
    await it.world.run_to_the_end()
    assert (await it.get("po2")).state is views.OrderState.COMPLETED
    assert (await it.product()).status is products.ProductStatus.ABORTED


async def test_what_is_rejected_below_has_failed_here_by_way_of_progress(it: Shop) -> None:
    await it.order(said={"farPort": "eth99", "alone": True})
    await it.world.run_to_the_end()

    assert (await it.world.get("1")).state is views.OrderState.REJECTED
    assert ((await it.get()).state, (await it.product()).status) == ("failed", "aborted")
    changes = [s for kind, s in await it.told("productOrder:po1") if kind.endswith("StateChange")]
    assert changes == ["inProgress", "failed"]


async def test_a_modify_is_told_when_it_is_done_and_a_part_it_takes_is_gone(it: Shop) -> None:
    await it.order()
    await it.world.run_to_the_end()
    change = {"bandwidth": 50, "alone": True}
    await it.order(action=views.ItemAction.MODIFY, said=change, product_id=PRODUCT)
    assert (await it.product()).characteristics == {}
    await it.world.run_to_the_end()
    made = await it.product()

    assert (made.status, made.characteristics) == ("active", change)
    assert [one.part for one in made.services] == ["second"]
    assert (await it.told(f"product:{PRODUCT}"))[2:] == [("ProductAttributeValueChange", "active")]
    assert (await it.world.get("2")).state is views.OrderState.COMPLETED


async def test_a_modify_that_fails_leaves_the_product_as_it_was(it: Shop) -> None:
    await it.order(said={"alone": True})
    await it.world.run_to_the_end()
    await it.world.order("zeta", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await it.world.run_to_the_end()
    await it.order(action=views.ItemAction.MODIFY, said={"alone": False}, product_id=PRODUCT)
    await it.world.run_to_the_end()
    made = await it.product()

    assert (await it.get("po2")).items[0].state is views.OrderState.FAILED
    assert (made.status, made.characteristics) == ("active", {"alone": True})
    assert [one.part for one in made.services] == ["second"]


async def test_a_delete_ends_it_service_by_service(it: Shop) -> None:
    await it.order()
    await it.world.run_to_the_end()
    await it.order(action=views.ItemAction.DELETE, product_id=PRODUCT)
    await it.world.run_to_the_end()
    made = await it.product()

    assert (made.status, {one.state for one in made.services}) == ("terminated", {"terminated"})
    assert made.termination_date is not None
    assert (await it.told(f"product:{PRODUCT}"))[2:] == [
        ("ProductStateChange", "pendingTerminate"),
        ("ProductStateChange", "terminated"),
    ]


async def test_the_product_follows_also_who_orders_beneath_it(it: Shop) -> None:
    await it.order()
    await it.world.run_to_the_end()
    for service, status in (("s1-1", "pendingTerminate"), ("s1-2", "terminated")):
        await it.world.order(
            "", action=views.ItemAction.DELETE, service_id=service, specification="",
            body_digest=service,
        )  # fmt: skip
        await it.world.run_to_the_end()
        assert (await it.product()).status == status


async def test_the_same_again_is_the_same_order_even_when_it_is_done(it: Shop) -> None:
    asked = request(external_id="BSS-1", idempotency_key="k1")
    await it.desk.submit(asked)
    await it.world.run_to_the_end()
    gone = request(views.ItemAction.DELETE, product_id=PRODUCT, external_id="BSS-2")
    await it.desk.submit(gone)
    await it.world.run_to_the_end()

    for one, key in ((asked, "po1"), (gone, "po2")):
        again = await it.desk.submit(one)
        assert (again.created, again.order.id, again.order.state) == (False, key, "completed")
    assert await it.world.count(tables.order) == 2


@pytest.mark.parametrize(
    ("field", "status", "more"),
    [("externalId", 409, {"external_id": "x"}), ("Idempotency-Key", 422, {"idempotency_key": "x"})],
)
async def test_a_key_with_another_body_is_a_conflict(
    it: Shop, field: str, status: int, more: dict[str, str]
) -> None:
    await it.order(**more)
    with pytest.raises(errors.IdempotencyConflict) as caught:
        await it.order(body_digest="another", **more)
    assert (caught.value.field, caught.value.status) == (field, status)
    assert await it.world.count(tables.order) == 1


async def test_a_product_is_changed_by_one_order_at_a_time(it: Shop) -> None:
    await it.order()
    for action in (views.ItemAction.MODIFY, views.ItemAction.DELETE):
        with pytest.raises(errors.OrderRejected, match="po1 has not done with it") as caught:
            await it.order(action=action, said={"bandwidth": 30}, product_id=PRODUCT)
        refused = caught.value
        assert (refused.status, refused.field) == (409, "productOrderItem[0].product.id")


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [
        ({"items": ()}, 400, "productOrderItem"),
        ({"product_id": "p1-1"}, 400, "productOrderItem[0].product.id"),
        ({"action": views.ItemAction.MODIFY}, 400, "productOrderItem[0].product.id"),
        ({"action": views.ItemAction.NO_CHANGE}, 400, "productOrderItem[0].product.id"),
        (
            {"action": views.ItemAction.DELETE, "product_id": "p9-1"},
            400,
            "productOrderItem[0].product.id",
        ),
        ({"items": request(views.ItemAction.DELETE, product_id="p1-1").items * 2}, 400,
         "productOrderItem[0].product.id"),
    ],
)  # fmt: skip
async def test_a_wrong_order_is_refused_in_the_words_of_622(
    it: Shop, more: dict[str, Any], status: int, field: str
) -> None:
    with pytest.raises(errors.OrderRejected) as caught:
        await it.order(**more)
    assert (caught.value.status, caught.value.field) == (status, field)
    assert await it.world.count(tables.order) == 0


async def test_what_is_there_or_gone_already_is_refused(it: Shop) -> None:
    await it.order()
    await it.world.run_to_the_end()
    with pytest.raises(errors.OrderRejected, match="leave the item out") as caught:
        await it.order(action=views.ItemAction.MODIFY, product_id=PRODUCT)
    assert caught.value.status == 422
    await it.order(action=views.ItemAction.DELETE, product_id=PRODUCT)
    await it.world.run_to_the_end()
    with pytest.raises(errors.OrderRejected, match="is terminated") as caught:
        await it.order(action=views.ItemAction.MODIFY, said={"bandwidth": 9}, product_id=PRODUCT)
    assert caught.value.status == 409


async def test_more_services_than_an_order_may_have_are_refused(it: Shop) -> None:
    it.world.limits = dataclasses.replace(it.world.limits, items=1)
    await it.world.start()
    with pytest.raises(errors.OrderRejected, match="becomes 2 service order items") as caught:
        await it.order()
    assert caught.value.field == "productOrderItem"


async def test_another_tenant_sees_nothing(it: Shop) -> None:
    await it.order()
    with pytest.raises(errors.NotFound):
        await it.desk.get("other", "po1")


async def test_what_is_promised_below_is_promised_above_and_moves_with_it(it: Shop) -> None:
    row: dict[str, Any] = {"tenant": world.TENANT, "specification_id": "eline", "action": "add"}
    row["samples"] = [[0.5, 1.0, 2.0, 1.0, 0.5]] * pace.ENOUGH
    await it.world.rows.write(lambda c: c.execute(tables.pace.insert().values(**row)))
    it.world.devices["pe2"].faults = Faults(lock_held_by=77)
    order = await it.order()
    below = await it.world.get(order.service_order)
    assert order.expected_completion is not None
    assert order.expected_completion == below.expected_completion

    await it.world.run()
    it.world.clock.ahead += 3_600
    await watch.Watch(it.world.parts).look()
    moved = await it.get()
    assert moved.expected_completion is not None
    assert moved.expected_completion > order.expected_completion
    assert (
        moved.expected_completion == (await it.world.get(order.service_order)).expected_completion
    )
    assert (await it.told("productOrder:po1"))[-1] == (
        "ProductOrderAttributeValueChange",
        moved.state,
    )
