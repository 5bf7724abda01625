"""The HTTP side: TM Forum surfaces, the operator's API and the metrics page, on one socket."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import bss_bridge.application
import bss_bridge.connectors.inbound
import bss_bridge.connectors.sender
import bss_bridge.engine.serve
import bss_bridge.events.hub
import bss_bridge.events.notifications
import bss_bridge.records
import bss_bridge.resources.activation
import bss_bridge.resources.catalogues
import bss_bridge.resources.products
import bss_bridge.resources.resource_ordering
import bss_bridge.resources.service_testing
import inventory.ports
from oss_agent import __version__
from oss_agent.api import cases, catalogue, health, network, outbox, pools, scouting, state, stops
from oss_agent.api import fallout as fallout_routes
from oss_agent.app import billing, deliveries, gauges, rooms, tuning
from oss_agent.assurance import alarm_port, metrics, usage_port
from oss_agent.fulfilment import cancellation, fallout, order, product, product_cancellation
from oss_agent.fulfilment.record import monitors, resource_queries
from oss_agent.fulfilment.turn import stop_desk
from oss_agent.outbox import port
from oss_agent.web import reference


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What listens, and the page that is refreshed beside it."""

    api: bss_bridge.engine.serve.HttpRole
    page: metrics.Metrics


def http(ground: rooms.Ground, built: rooms.Built) -> Surfaces:
    """Compose and bind. ConfigurationError when the address is taken or open to strangers."""
    of, rows = ground.tree.http, ground.rows
    tokens = tuning.tokens(of)
    bss_bridge.engine.serve.check_bind(of.bind, tokens)
    paging = tuning.paging(of)
    page = gauges.page(rows, ground.snmp, built.watch, ground.time, built.parts.limits)
    services = order.ServiceOrders(built.parts)
    cancels = cancellation.CancelTasks(built.parts)
    ports = state.Ports(
        services,
        inventory.ports.ServicePort(rows),
        alarm_port.AlarmPort(rows),
    )
    told = functools.partial(bss_bridge.events.notifications.envelope, links=ground.hrefs)
    surfaces = bss_bridge.application.Rooms(
        ports.orders,
        cancels,
        ports.services,
        inventory.ports.ResourcePort(rows),
        ports.alarms,
        bss_bridge.events.hub.HubOffice(rows, ground.time, ground.hrefs, tuning.policy(of)),
    )
    records = bss_bridge.records.Records(usage_port.UsagePort(rows), port.EventPort(rows))
    shop = bss_bridge.resources.products.Shop(
        product.ProductOrders(built.parts, built.catalogue, services),
        product_cancellation.ProductCancelTasks(built.parts, cancels),
        inventory.ports.ProductPort(rows),
    )
    activation = bss_bridge.resources.activation.Activation(
        services, ports.services, monitors.Monitors(rows)
    )
    by_themselves = bss_bridge.resources.resource_ordering.ResourceOrdering(
        services,
        resource_queries.ResourceOrders(rows),
        cancellation.CancelTasks(built.parts, resources=True),
    )
    laboratory = bss_bridge.resources.service_testing.Laboratory(built.tests, built.catalogue)
    beside = (
        *bss_bridge.resources.service_testing.routers(laboratory, ground.hrefs, paging),
        *bss_bridge.resources.resource_ordering.routers(by_themselves, ground.hrefs, paging),
        *bss_bridge.resources.activation.routers(activation, ground.hrefs, paging),
        *bss_bridge.resources.products.routers(shop, ground.hrefs, paging),
        *bss_bridge.records.routers(records, ground.hrefs, paging),
        *bss_bridge.resources.catalogues.routers(built.catalogue, ground.hrefs, paging),
        state.router(ports),
        outbox.router(deliveries.Deliveries(rows, built.outbox, ground.time, told)),
        network.router(built.onboarding),
        cases.router(built.cases),
        pools.router(built.pools),
        scouting.router(built.scout),
        catalogue.router(built.files),
        stops.router(stop_desk.StopDesk(built.parts)),
        fallout_routes.router(fallout.FalloutDesk(built.parts)),
        health.router(gauges.readiness(rows), page.render),
        reference.router(),
        bss_bridge.connectors.inbound.router(_billing_office(ground, ports)),
    )
    options = bss_bridge.application.Options(tokens=tokens, paging=paging, version=__version__)
    application = bss_bridge.application.application(surfaces, options, beside)
    socket = bss_bridge.engine.serve.listen(tuning.bind(of))
    return Surfaces(bss_bridge.engine.serve.HttpRole(application, socket), page)


def _billing_office(
    ground: rooms.Ground, ports: state.Ports
) -> bss_bridge.connectors.inbound.Office:
    """Where billing systems say what is to become of a service."""
    return bss_bridge.connectors.inbound.Office(
        billing.lines(ground.tree, ground.hrefs),
        bss_bridge.connectors.sender.Mouth(ground.http, ground.time),
        ports.orders,
        ports.services,
        ground.hrefs,
    )
