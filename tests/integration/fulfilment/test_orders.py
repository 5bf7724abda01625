"""Intake, duplicates, queries, dry-run and explanations, on the real store."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.spi import clock, query, views
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import TENANT, World

pytestmark = pytest.mark.anyio
Op = query.Operator


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with worlds.open_world(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("key", [{"idempotency_key": "k"}, {"external_id": "x"}])
async def test_the_same_request_again_is_the_same_order(world: World, key: dict[str, str]) -> None:
    first = await world.orders.submit(worlds.request(**key))
    await world.run()
    again = await world.orders.submit(worlds.request(**key))

    assert (first.created, again.created) == (True, False)
    assert again.order.id == first.order.id
    assert again.order.state is views.OrderState.COMPLETED
    assert await world.count(tables.order) == 1
    assert len(await world.events("serviceOrder:1")) == 5


@pytest.mark.parametrize(
    ("key", "status"), [({"idempotency_key": "k"}, 422), ({"external_id": "x"}, 409)]
)
async def test_a_key_in_use_for_another_body_is_a_conflict(
    world: World, key: dict[str, str], status: int
) -> None:
    await world.orders.submit(worlds.request(**key))
    with pytest.raises(errors.IdempotencyConflict) as refused:
        await world.orders.submit(worlds.request("other", **key))

    assert refused.value.status == status
    assert await world.count(tables.order) == 1


async def test_what_intake_answers_is_what_is_read_again(database_url: str) -> None:
    """The answer is made of the rows as they are written: nobody asks the database for them."""
    later = datetime(2031, 1, 2, 3, 4, 5, 678_999, timezone(timedelta(hours=2)))
    one = dataclasses.replace(
        worlds.request("one").items[0], extra={"note": [{"text": "straße"}], "pair": (1, 2.5)}
    )
    inner = dataclasses.replace(one, id="2", parent="1", after=("1",), path="serviceOrderItem[1]")
    wish = dataclasses.replace(
        worlds.request(external_id="x", description="d", priority="1", category="c"),
        items=(one, inner),
        requested_start=later,
        requested_completion=later + timedelta(microseconds=1_500),
        extra={"agreement": [{"id": "7"}], "ratio": 0.1, "nothing": None},
    )
    async with worlds.open_world(database_url) as world:
        for request in (wish, worlds.request("plain")):
            answered = (await world.orders.submit(request)).order

            assert await world.get(answered.id) == answered
        assert await world.count(tables.transaction) == 3


async def test_two_senders_may_use_the_same_key(world: World) -> None:
    await world.orders.submit(worlds.request(idempotency_key="k"))
    other = await world.orders.submit(
        worlds.request("other", idempotency_key="k", requester="somebody")
    )

    assert other.created


REFUSED: list[tuple[dict[str, Any], str, int]] = [
    ({"characteristics": {"bandwidth": "20"}}, "serviceCharacteristic[bandwidth]", 400),
    ({"action": views.ItemAction.MODIFY, "service_id": "s9-9"}, "service.id", 400),
    ({"action": views.ItemAction.MODIFY}, "service.id", 400),
    ({"action": views.ItemAction.NO_CHANGE, "service_id": "s9-9"}, "service.id", 400),
    ({"action": views.ItemAction.NO_CHANGE}, "service.id", 400),
    ({"service_id": "s9-9"}, "service.id", 400),
    ({"action": views.ItemAction.DELETE}, "service.id", 400),
    ({"after": ("2",)}, "serviceOrderItemRelationship", 400),
    ({"after": ("1",)}, "serviceOrderItemRelationship", 400),
]


@pytest.mark.parametrize(("what", "field", "status"), REFUSED)
async def test_what_needs_no_state_is_refused_and_leaves_nothing(
    world: World, what: dict[str, Any], field: str, status: int
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        await world.orders.submit(worlds.request(**what))

    assert refused.value.field.startswith("serviceOrderItem[0].")
    assert refused.value.field.endswith(field)
    assert refused.value.status == status
    for table in tables.METADATA.sorted_tables:
        assert await world.count(table) == 0


async def test_an_order_has_items_with_different_ids(world: World) -> None:
    whole = worlds.request()
    with pytest.raises(errors.OrderRejected, match="1 to 100 items"):
        await world.orders.submit(dataclasses.replace(whole, items=()))
    with pytest.raises(errors.OrderRejected, match="two items have the id"):
        await world.orders.submit(dataclasses.replace(whole, items=whole.items * 2))


async def test_a_delete_need_not_say_what_the_service_is(world: World) -> None:
    await world.order()
    await world.run_to_the_end()
    delete = {"action": views.ItemAction.DELETE, "specification": "", "external_id": "end"}

    await world.order(service_id="s1-1", **delete)
    await world.run_to_the_end()
    assert (await world.get("2")).state is views.OrderState.COMPLETED
    assert not world.holds("pe1")

    with pytest.raises(errors.OrderRejected, match="no service 's9-9'") as refused:
        await world.order("other", service_id="s9-9", **(delete | {"external_id": "end-2"}))
    assert refused.value.field == "serviceOrderItem[0].service.id"


async def test_a_service_that_does_not_exist_cannot_be_deleted(world: World) -> None:
    await world.order(action=views.ItemAction.DELETE, service_id="s9-9", characteristics={})
    await world.run()
    order = await world.get("1")

    assert order.state is views.OrderState.REJECTED
    assert order.error is not None
    assert order.error.code == "unknownService"


async def test_a_wished_value_of_somebody_else_is_refused_with_the_service_that_holds_it(
    world: World,
) -> None:
    await world.order(characteristics={"vni": 10150})
    await world.run()
    ends = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}
    await world.order("other", external_id="other", characteristics={**ends, "vni": 10150})
    await world.run()
    order = await world.get("2")

    assert order.state is views.OrderState.REJECTED
    assert order.error is not None
    assert "10150 of pool core-vni is held by service s1-1 (acme, order 1)" in order.error.message


async def test_two_items_succeed_and_fail_apart(world: World) -> None:
    one = worlds.request("one").items[0]
    ends = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth99"}
    two = dataclasses.replace(
        worlds.request("two", characteristics=ends).items[0], id="2", path="serviceOrderItem[1]"
    )
    await world.orders.submit(dataclasses.replace(worlds.request(), items=(one, two)))
    await world.run_to_the_end()
    order = await world.get("1")

    assert order.state is views.OrderState.PARTIAL
    assert [item.state for item in order.items] == [
        views.OrderState.COMPLETED,
        views.OrderState.REJECTED,
    ]


async def test_a_dry_run_shows_both_ways_and_claims_nothing(world: World) -> None:
    before = await world.snapshots()
    (shown,) = await world.orders.plan(worlds.request())
    (again,) = await world.orders.plan(worlds.request())

    assert shown.changes
    assert [one.device for one in shown.devices] == ["pe1", "pe2"]
    pe1 = shown.devices[0]
    assert "acme" in pe1.diff
    assert "delete" in pe1.reverse
    assert pe1.reversibility == (
        "reversible: confirmed commit with persist, undoes itself unless confirmed within 60 s"
    )
    assert "/services/eline[name=acme]" in pe1.paths
    assert shown.claims == (("core-vni", "10100", "likely"),)
    assert shown.ports == ("pe1:eth4", "pe2:eth4")
    assert shown.hash == again.hash
    assert len(shown.hash) == 64
    assert await world.snapshots() == before
    assert await world.count(tables.order) == 0


async def test_the_hash_of_the_dry_run_is_that_of_the_transaction(world: World) -> None:
    (shown,) = await world.orders.plan(worlds.request())
    await world.order()
    await world.run()
    row = await world.rows.read(lambda c: c.execute(tables.transaction.select()).one())
    items = await world.rows.read(lambda c: c.execute(tables.resource_item.select()).all())

    assert row.hash == shown.hash
    assert {one.device: one.change for one in items} == {d.device: d.diff for d in shown.devices}
    assert {one.state for one in items} == {"completed"}


async def test_a_dry_run_of_a_taken_port_is_refused_as_the_order_would_be(world: World) -> None:
    await world.order()
    await world.run()
    with pytest.raises(errors.OrderRejected, match="belongs to service s1-1"):
        await world.orders.plan(worlds.request("other"))


async def test_orders_are_found_by_their_tmf_names(world: World) -> None:
    for number in range(1, 12):
        await world.order(f"s{number}", external_id=f"x{number}")
    third = await world.get("3")

    async def ids(*filters: query.Filter, **more: Any) -> tuple[list[str], int]:
        page = await world.orders.find(query.Query(TENANT, filters, **more))
        return [order.id for order in page.items], page.total

    assert await ids(query.Filter("id", Op.EQ, ("2", "3"))) == (["2", "3"], 2)
    assert await ids(query.Filter("externalId", Op.EQ, ("x4",))) == (["4"], 1)
    assert (await ids(query.Filter("relatedParty.id", Op.EQ, (third.requester,))))[1] == 11
    assert await ids(query.Filter("relatedParty.id", Op.EQ, ("nobody",))) == ([], 0)
    assert await ids(
        query.Filter("serviceOrderItem.service.name", Op.EQ, ("s5",)),
        query.Filter("state", Op.NE, ("completed",)),
    ) == (["5"], 1)
    assert (await ids(query.Filter("state", Op.LIKE, ("%kno_ledged",))))[1] == 11
    assert await ids(query.Filter("externalId", Op.LIKE, ("%1",))) == (["1", "11"], 2)
    assert await ids(query.Filter("externalId", Op.LIKE, ("X%", "x\\_"))) == ([], 0)
    assert (await ids(query.Filter("description", Op.NE, ("nothing says so",))))[1] == 11
    either = (
        query.Filter("externalId", Op.EQ, ("x4",)),
        query.Filter("serviceOrderItem.service.name", Op.EQ, ("s5",)),
    )
    assert await ids(query.Filter("id", Op.NE, ("4",)), either=(either,)) == (["5"], 1)
    shown = clock.rfc3339(third.order_date)
    assert "3" in (await ids(query.Filter("orderDate", Op.EQ, (shown,))))[0]
    assert (await ids(query.Filter("orderDate", Op.LT, ("2020-01-01T00:00:00Z",))))[1] == 0
    assert await ids(sort=(query.Sort("id", descending=True),), limit=2) == (["11", "10"], 11)
    assert await ids(sort=(query.Sort("orderDate"),), offset=9, limit=5) == (["10", "11"], 11)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("colour", "red"),
        ("orderDate", "yesterday"),
        ("id; DROP", "1"),
        ("state", "nope"),
        ("serviceOrderItem.state", "nope"),
    ],
)
async def test_a_filter_nobody_knows_is_refused_by_its_path(
    world: World, path: str, value: str
) -> None:
    asked = query.Query(TENANT, (query.Filter(path, Op.EQ, (value,)),))
    with pytest.raises(errors.OrderRejected) as refused:
        await world.orders.find(asked)

    assert refused.value.field == path
    with pytest.raises(errors.OrderRejected):
        await world.orders.find(query.Query(TENANT, sort=(query.Sort("colour"),)))


async def test_another_tenants_order_does_not_exist(world: World) -> None:
    await world.order()

    for ask in (world.orders.get, world.orders.explain):
        with pytest.raises(errors.NotFound):
            await ask("other", "1")
    assert (await world.orders.find(query.Query("other"))).total == 0


async def test_an_order_for_later_waits_for_its_date(world: World) -> None:
    start = world.clock.now() + timedelta(hours=2)
    await world.order(requested_start=start)
    await world.run()
    explained = await world.orders.explain(TENANT, "1")

    assert (await world.get("1")).state is views.OrderState.ACKNOWLEDGED
    assert "its requestedStartDate" in explained.sentence
    world.clock.ahead = 7201
    await world.run()
    assert (await world.get("1")).state is views.OrderState.COMPLETED


async def test_an_explanation_names_the_order_that_holds_the_lease(world: World) -> None:
    await world.order("one")
    await world.feeder.feed()
    await world.flow.step()
    await world.flow.step()
    await world.order("two", characteristics={"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"})
    await world.feeder.feed()
    for _ in range(2):
        await world.flow.step()
    held = await world.orders.explain(TENANT, "1")
    explained = await world.orders.explain(TENANT, "2")
    await world.run_to_the_end()

    assert "order 2 waits 00:00:0" in explained.sentence
    assert "lease held by order 1" in explained.sentence
    assert [one.device for one in held.participants] == ["pe1", "pe2"]
    done = await world.orders.explain(TENANT, "2")
    assert done.sentence == "order 2 is completed."
    assert next(text for _, text in done.history) == "accepted from 'bss'"


async def test_a_dry_run_refuses_the_wish_that_the_order_would_be_refused(world: World) -> None:
    taken = await world.order("first", characteristics={"vni": 10_120})
    await world.run()
    assert (await world.get(taken.id)).state is views.OrderState.COMPLETED
    elsewhere = {"aEnd": "pe1:eth3", "zEnd": "pe2:eth3"}
    for vni, why in ((10_120, "held by service"), (99_999, "is not in pool core-vni")):
        with pytest.raises(errors.OrderRejected, match=why):
            await world.orders.plan(
                worlds.request("second", characteristics={**elsewhere, "vni": vni})
            )
