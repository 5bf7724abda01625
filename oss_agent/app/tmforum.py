"""The TM Forum surfaces, wired: which port stands behind which of them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

import bss_bridge.application
import bss_bridge.engine.surface
import bss_bridge.events.hub
import bss_bridge.records
import bss_bridge.resources.activation
import bss_bridge.resources.catalogues
import bss_bridge.resources.products
import bss_bridge.resources.resource_ordering
import bss_bridge.resources.service_testing
import inventory.services.ports
from oss_agent.api import state
from oss_agent.app import ground, rooms, tuning
from oss_agent.assurance import usage_port
from oss_agent.fulfilment import cancellation, order, product, product_cancellation
from oss_agent.fulfilment.record import monitors, resource_queries
from oss_agent.outbox import port


@dataclass(frozen=True, slots=True)
class Bridge:
    """The rooms of the surfaces that every order needs, and the routers of those beside them."""

    rooms: bss_bridge.application.Rooms
    beside: tuple[APIRouter, ...]


def build(
    on: ground.Ground,
    built: rooms.Built,
    orders: order.ServiceOrders,
    ports: state.Ports,
    paging: bss_bridge.engine.surface.Paging,
) -> Bridge:
    """Construct; ``orders`` are those behind ``ports``."""
    cancels = cancellation.CancelTasks(built.parts)
    hub = bss_bridge.events.hub.HubOffice(on.rows, on.time, on.hrefs, tuning.policy(on.tree.http))
    resources = inventory.services.ports.ResourcePort(on.rows)
    main = bss_bridge.application.Rooms(
        ports.orders, cancels, ports.services, resources, ports.alarms, hub
    )
    return Bridge(
        main,
        (
            *bss_bridge.resources.service_testing.routers(_laboratory(built), on.hrefs, paging),
            *bss_bridge.resources.resource_ordering.routers(
                _resource_orders(on, built, orders), on.hrefs, paging
            ),
            *bss_bridge.resources.activation.routers(
                _activation(on, orders, ports), on.hrefs, paging
            ),
            *bss_bridge.resources.products.routers(
                _shop(on, built, orders, cancels), on.hrefs, paging
            ),
            *bss_bridge.records.routers(_records(on), on.hrefs, paging),
            *bss_bridge.resources.catalogues.routers(built.catalogue.live, on.hrefs, paging),
        ),
    )


def _laboratory(built: rooms.Built) -> bss_bridge.resources.service_testing.Laboratory:
    """TMF653: tests of services."""
    return bss_bridge.resources.service_testing.Laboratory(built.tests, built.catalogue.live)


def _resource_orders(
    on: ground.Ground, built: rooms.Built, orders: order.ServiceOrders
) -> bss_bridge.resources.resource_ordering.ResourceOrdering:
    """TMF652: resources ordered by themselves."""
    return bss_bridge.resources.resource_ordering.ResourceOrdering(
        orders,
        resource_queries.ResourceOrders(on.rows),
        cancellation.CancelTasks(built.parts, resources=True),
    )


def _activation(
    on: ground.Ground, orders: order.ServiceOrders, ports: state.Ports
) -> bss_bridge.resources.activation.Activation:
    """TMF640: services changed without an order's form, and the monitors of what was begun so."""
    return bss_bridge.resources.activation.Activation(
        orders, ports.services, monitors.Monitors(on.rows)
    )


def _shop(
    on: ground.Ground,
    built: rooms.Built,
    orders: order.ServiceOrders,
    cancels: cancellation.CancelTasks,
) -> bss_bridge.resources.products.Shop:
    """TMF622 and TMF637: products ordered and had."""
    return bss_bridge.resources.products.Shop(
        product.ProductOrders(built.parts, built.catalogue.live, orders),
        product_cancellation.ProductCancelTasks(built.parts, cancels),
        inventory.services.ports.ProductPort(on.rows),
    )


def _records(on: ground.Ground) -> bss_bridge.records.Records:
    """TMF635 and TMF688: usage and events, looked up afterwards."""
    return bss_bridge.records.Records(usage_port.UsagePort(on.rows), port.EventPort(on.rows))
