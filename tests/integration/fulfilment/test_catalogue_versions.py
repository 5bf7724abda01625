"""A service and an order in flight keep their version of the catalogue, whatever comes after it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from inventory.services import specification_use
from oss_agent import errors
from oss_agent.catalog import forms, specification
from oss_agent.spi import views
from tests.integration.fulfilment.world import World, open_world, request

pytestmark = pytest.mark.anyio


def _newer() -> tuple[specification.Specification, ...]:
    """The shipped catalogue a release later: E-Line 1.0 is retired, 2.0 must be told a colour."""
    (old,) = (one for one in specification.load() if one.id == "eline")
    colour = forms.Characteristic(type="name", required=True, text="of the cable")
    told = {"version": "2.0", "characteristics": {**old.characteristics, "colour": colour}}
    return (old.model_copy(update={"status": "retired"}), old.model_copy(update=told))


async def _a_release_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = _newer()
    monkeypatch.setattr(specification, "load", lambda: newer)
    await world.start()


async def _done(world: World, name: str = "acme", **more: Any) -> views.OrderItemView:
    made = await world.order(name, **more)
    await world.run_to_the_end()
    (item,) = (await world.get(made.id)).items
    assert item.state is views.OrderState.COMPLETED, item.error
    return item


async def test_a_living_service_of_a_retired_version_is_modified_and_deleted_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        before = await world.snapshots()
        service = (await _done(world)).service_id
        await _a_release_later(world, monkeypatch)
        assert await world.rows.read(specification_use.living) == {("eline", "1.0"): 1}

        changed = await _done(
            world,
            action=views.ItemAction.MODIFY,
            service_id=service,
            specification="",
            characteristics={"bandwidth": 50},
        )
        assert changed.specification.version == "1.0"
        assert "50000" in str(world.devices["pe1"].datastores.running)
        assert changed.service_id == service

        gone = await _done(
            world, action=views.ItemAction.DELETE, service_id=service, specification=""
        )
        assert gone.specification.version == "1.0"
        assert await world.rows.read(specification_use.living) == {}
        assert await world.snapshots() == before


async def test_an_order_in_flight_is_carried_out_by_the_version_it_was_accepted_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        made = await world.order()
        await _a_release_later(world, monkeypatch)
        await world.run_to_the_end()

        (item,) = (await world.get(made.id)).items
        assert (item.state, item.specification.version) == (views.OrderState.COMPLETED, "1.0")
        assert world.holds("pe1")


def _of_two_parts() -> tuple[specification.Specification, ...]:
    """An E-Line with a VRF beside it on each router: a second resource-facing service."""
    (line,) = (one for one in specification.load() if one.id == "eline")
    rule = forms.ResourceForm.model_validate(
        {
            "specification": "l3vpn",
            "version": "1.0",
            "template": "l3vpn",
            "per": "device",
            "slots": {
                "vrf": {"from": "name"},
                "vni": {"from": "pool.vni"},
                "transit": {"join": ["end.router_id", "/32"]},
                "as_number": {"from": "setting.as_number"},
            },
        }
    )
    beside = forms.ResourceFacing(id="beside", name="Beside", text="-", resources=[rule])
    parts = [*line.resource_facing, beside]
    return (line.model_copy(update={"resource_facing": parts}),)


async def test_a_service_over_several_resource_facing_ones_comes_and_goes_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of_two = _of_two_parts()
    monkeypatch.setattr(specification, "load", lambda: made_of_two)
    async with open_world(tmp_path) as world:
        before = await world.snapshots()
        service = (await _done(world)).service_id

        known = await world.rows.read(lambda c: world.parts.ledger.snapshot(c, "default").services)
        parts = [known[one].specification.id for one in known[service].supporting_services]
        assert sorted(parts) == ["beside", "beside", "eline-end", "eline-end"]
        running = {name: str(one.datastores.running) for name, one in world.devices.items()}
        assert "10.255.0.11/32" in running["pe1"]
        assert "10.255.0.12/32" in running["pe2"]

        await _done(world, action=views.ItemAction.DELETE, service_id=service, specification="")
        assert await world.snapshots() == before


async def test_a_new_order_gets_the_newest_version_and_none_gets_a_retired_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        await _a_release_later(world, monkeypatch)
        with pytest.raises(errors.OrderRejected, match="colour: it is missing"):
            await world.orders.submit(request())
        item = await _done(world, characteristics={"colour": "red"})
        assert item.specification.version == "2.0"


async def test_a_service_moves_to_a_newer_version_when_a_modify_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        service = (await _done(world)).service_id
        await _a_release_later(world, monkeypatch)
        asked = request(
            action=views.ItemAction.MODIFY, service_id=service, characteristics={"colour": "red"}
        )
        named = dataclasses.replace(asked.items[0], specification_version="2.0")
        made = await world.orders.submit(dataclasses.replace(asked, items=(named,)))
        await world.run_to_the_end()

        (done,) = (await world.get(made.order.id)).items
        assert (done.state, done.specification.version) == (views.OrderState.COMPLETED, "2.0")

        back = dataclasses.replace(
            asked.items[0], specification_version="1.0", characteristics={"colour": None}
        )
        with pytest.raises(errors.OrderRejected, match=r"1\.0 is retired: order 2\.0"):
            await world.orders.submit(
                dataclasses.replace(asked, items=(back,), body_digest="back again")
            )
