"""What the API's own document shows as an example is what the agent takes."""

from __future__ import annotations

import pytest

from bss_bridge.events import hub, notifications, subscription
from bss_bridge.resources import order_body, ordering
from oss_agent.catalog import catalogue, collection

LOADED = collection.load()
CATALOGUE = catalogue.Specifications(LOADED.services, {}, LOADED.ordered)


def test_the_example_of_a_service_order_is_one_that_can_be_ordered() -> None:
    order = order_body.order_request(
        ordering.EXAMPLE, tenant="default", sender="acme", idempotency_key=None
    )

    for item in order.items:
        CATALOGUE.check(item)


@pytest.mark.parametrize("base", [bases[0] for bases in notifications.hub_bases()])
def test_the_example_of_each_hub_asks_for_what_it_tells(base: str) -> None:
    asked = subscription.parse(hub.example(base)["query"], "default")

    subscription.require_told(asked, notifications.names_at(base))
