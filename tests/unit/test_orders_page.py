"""Every order on docs/orders.md is one that the agent takes: read by the bridge, judged whole."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import yaml

from bss_bridge.resources import order_body, resource_body
from lab.demo import orders as story
from oss_agent.catalog import catalogue, collection
from oss_agent.spi import orders, views

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"
LOADED = collection.load()
CATALOGUE = catalogue.Specifications(LOADED.services, {}, LOADED.ordered)


def examples() -> list[orders.ItemRequest]:
    """The items of every order on the page, in its order."""
    bodies: list[dict[str, Any]] = [
        yaml.safe_load(text)
        for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    ]
    return [item for body in bodies for item in taken(body).items]


def taken(body: dict[str, Any]) -> orders.OrderRequest:
    """The order as it is read: of services, or of resources by themselves."""
    resources = "orderItem" in body
    read = resource_body.order_request if resources else order_body.order_request
    return read(body, tenant="default", sender="acme", idempotency_key=None)


def test_each_kind_of_service_is_added_changed_and_removed() -> None:
    found = examples()

    added = {
        (one.specification, one.resource) for one in found if one.action is views.ItemAction.ADD
    }
    assert {name for name, resource in added if not resource} == {one.id for one in LOADED.services}
    assert any(resource for _, resource in added)
    assert {one.action for one in found} >= {views.ItemAction.MODIFY, views.ItemAction.DELETE}


def test_what_is_added_and_what_it_is_changed_to_is_accepted() -> None:
    found = examples()
    adds = [one for one in found if one.action is views.ItemAction.ADD]
    for item in adds:
        CATALOGUE.check(item)
    for change in (one for one in found if one.action is views.ItemAction.MODIFY):
        wholes = [
            dataclasses.replace(
                add, characteristics={**add.characteristics, **change.characteristics}
            )
            for add in adds
            if set(change.characteristics) <= set(add.characteristics)
        ]
        assert wholes
        for whole in wholes:
            CATALOGUE.check(whole)


def test_every_characteristic_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for spec in (*LOADED.services, *LOADED.ordered):
        for name, form in spec.characteristics.items():
            assert f"`{name}`" in text
            assert all(f"`{field}`" in text for field in form.fields)


def test_the_first_order_has_room_in_what_the_demo_leaves() -> None:
    """By the page the story's VPN, its third order, goes first: every customer port has a service."""
    found = examples()
    first = found[0]
    (gone,) = (one for one in found if one.action is views.ItemAction.DELETE)

    assert gone.service_id == "s3-1"
    assert {first.characteristics[end] for end in ("aEnd", "zEnd")} <= {
        port for port, _ in story.BESIDE.sites
    }
