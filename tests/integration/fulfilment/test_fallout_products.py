"""Parts of products that fail and are kept: the product order is held, and follows what is decided."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.fulfilment import fallout
from oss_agent.spi import views
from oss_agent.testing.simulated.faults import Faults
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.test_product_orders import PRODUCT, Shop

pytestmark = pytest.mark.anyio
HOLDING = dataclasses.replace(worlds.TEST_LIMITS, fallout="hold")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Shop]:
    async with worlds.open_world(tmp_path, limits=HOLDING) as opened:
        yield Shop(opened)


def desk(it: Shop) -> fallout.FalloutDesk:
    return fallout.FalloutDesk(it.world.parts)


BY_HAND = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>acme-second</name>'
    "<port>eth9</port><vni>7</vni></eline></services>"
)
GONE = '<eline xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete">'
"""Somebody has a service of the second part's name there: it is in conflict once it is planned."""


async def half(it: Shop, **more: Any) -> str:
    """A product order of which one part lives and the other is kept; the service order's id."""
    it.world.devices["pe2"].change_by_hand(BY_HAND)
    order = await it.order(**more)
    await it.world.run()
    view = await it.world.get(order.service_order)
    assert {one.state for one in view.items} == {"completed", "held"}
    return view.id


async def test_tried_again_the_product_lives(it: Shop) -> None:
    key = await half(it)
    assert ((await it.get()).state, (await it.product()).status) == ("held", "pendingActive")
    it.world.devices["pe2"].change_by_hand(BY_HAND.replace("<eline>", GONE))
    await desk(it).retry(worlds.TENANT, "ines", key, None)
    await it.world.run_to_the_end()
    assert ((await it.get()).state, (await it.product()).status) == ("completed", "active")


async def test_rolled_back_the_new_product_is_given_up(it: Shop) -> None:
    key = await half(it)
    await desk(it).rollback(worlds.TENANT, "ines", key, None)
    await it.world.run_to_the_end()
    assert (await it.world.get(key)).state == "failed"
    assert ((await it.get()).state, (await it.product()).status) == ("failed", "aborted")
    assert not it.world.holds("pe1")


async def test_a_bundle_that_is_all_or_nothing_leaves_nothing_standing(it: Shop) -> None:
    it.world.devices["pe2"].change_by_hand(BY_HAND)
    order = await it.order(fallout="rollback")
    await it.world.run_to_the_end()
    assert (await it.world.get(order.service_order)).state == "failed"
    assert ((await it.get()).state, (await it.product()).status) == ("failed", "aborted")
    assert not it.world.holds("pe1")


async def test_what_changed_a_product_is_not_undone_by_its_parts(it: Shop) -> None:
    await it.order(said={"alone": True, "farPort": "eth5"})
    await it.world.run_to_the_end()
    before = await it.product()
    it.world.devices["pe1"].faults = Faults(refuse_commit="no")
    change = {"alone": False, "bandwidth": 50}
    await it.order(action=views.ItemAction.MODIFY, said=change, product_id=PRODUCT)
    await it.world.run()
    it.world.devices["pe1"].faults = Faults()
    first, second = await desk(it).standing(worlds.TENANT)
    await desk(it).retry(worlds.TENANT, "ines", first.order, first.item)
    await it.world.run()
    with pytest.raises(errors.OrderRejected, match="order that product as it was"):
        await desk(it).rollback(worlds.TENANT, "ines", second.order, second.item)
    assert before.services[0] in (await it.product()).services
