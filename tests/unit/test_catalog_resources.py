"""A resource that is ordered by itself: what may be said of it, and the one intent it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from oss_agent import errors, registry
from oss_agent.catalog import catalogue, collection, shelf
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import ledger, orders, views
from oss_agent.spi.tree import EMPTY

LOADED = collection.load()
CATALOGUE = catalogue.Specifications(LOADED.services, {}, LOADED.ordered)
GOOD: dict[str, Any] = {"port": "pe1:eth4"}


def item(specification: str = "port-off", **characteristics: Any) -> orders.ItemRequest:
    return orders.ItemRequest(
        id="1",
        action=views.ItemAction.ADD,
        specification=specification,
        specification_version=None,
        service_id=None,
        service_name="spare",
        characteristics=characteristics or GOOD,
        path="orderItem[0]",
        resource=True,
    )


def snapshot(**port: Any) -> ledger.Snapshot:
    known = {"eth4": ledger.PortFact("eth4", **port)}
    pe1 = ledger.DeviceFact("pe1", "sim", trusted=True, managed=True, router_id=None, ports=known)
    return ledger.Snapshot({"pe1": pe1}, {})


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"description": "spare"}, "port"),
        ({"port": "eth4"}, "port"),
        ({**GOOD, "description": ""}, "description"),
        ({**GOOD, "description": "a\tb"}, "description"),
        ({**GOOD, "description": "100 %"}, "description"),
        ({**GOOD, "description": "x" * 256}, "description"),
        ({**GOOD, "description": 7}, "description"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_resources_own_words(
    said: dict[str, Any], name: str
) -> None:
    with pytest.raises(errors.OrderRejected) as bad:
        CATALOGUE.check(item(**said))
    assert bad.value.field == f"orderItem[0].resource.resourceCharacteristic[{name}]"
    assert bad.value.status == 400


@pytest.mark.parametrize("name", ["eline", "l3vpn", "nothing"])
def test_what_only_services_are_made_of_cannot_be_ordered_by_itself(name: str) -> None:
    told = "that can be ordered by itself; the catalogue has port-label 1.0, port-off 1.0"
    with pytest.raises(errors.OrderRejected, match=told) as bad:
        CATALOGUE.check(item(name))
    assert bad.value.field == "orderItem[0].resource.resourceSpecification"


def test_it_becomes_one_intent_on_its_port() -> None:
    design = CATALOGUE.decompose(item(**GOOD, description="spare #1"), snapshot(), {})
    (intent,) = design.resources
    assert (intent.device, intent.template, intent.ports) == ("pe1", "port-off", ("eth4",))
    assert intent.slots == {"port": "eth4", "description": "spare #1"}
    assert design.meters == ()
    assert [(one.kind, one.device) for one in design.predicates] == [("config-equal", "pe1")]


def test_a_port_of_the_network_itself_is_nobodys_to_switch_off() -> None:
    with pytest.raises(errors.OrderRejected, match="is not a customer's: link to p1"):
        CATALOGUE.decompose(item(), snapshot(use="link to p1"), {})


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("sim_cli", ["interface eth4", "description spare", "shutdown"]),
        ("sim_netconf", ["<name>eth4</name>", "<enabled>false</enabled>"]),
        ("frr_linux", ["<name>eth4</name>", "<enabled>false</enabled>"]),
    ],
)
def test_each_platform_says_it_its_own_way(platform: str, expected: list[str]) -> None:
    driver = registry.installed().driver(platform)
    (found,) = driver.instantiate("port-off", {"port": "eth4", "description": "spare"}).items()
    sent = driver.render(tree.diff(EMPTY, found[1]), found[0])
    assert all(words in sent for words in expected), sent


def test_it_is_shown_as_it_is_said() -> None:
    shown = {one.id: one for one in shelf.Shelf(LOADED).resources()}
    said = {
        one.name: (one.kind, one.required, one.configurable)
        for one in shown["port-off"].characteristics
    }
    assert said == {"port": ("string", True, True), "description": ("string", False, True)}
    assert not any(one.configurable for one in shown["eline"].characteristics)
