"""The HTTP side: TM Forum surfaces, the operator's API and the metrics page, on one socket."""

from __future__ import annotations

from dataclasses import dataclass

import bss_bridge.application
import bss_bridge.connectors.inbound
import bss_bridge.connectors.sender
import bss_bridge.engine.serve
import inventory.services.ports
from oss_agent import __version__
from oss_agent.api import chapters, health, state
from oss_agent.app import billing, gauges, ground, operating, rooms, tmforum, tuning
from oss_agent.assurance import alarm_port, metrics
from oss_agent.fulfilment import order
from oss_agent.web import reference


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What listens, and the page that is refreshed beside it."""

    api: bss_bridge.engine.serve.HttpRole
    page: metrics.Metrics


def http(on: ground.Ground, built: rooms.Built) -> Surfaces:
    """Compose and bind. ConfigurationError when the address is taken or open to strangers."""
    of, rows = on.tree.http, on.rows
    tokens, paging = tuning.tokens(of), tuning.paging(of)
    bss_bridge.engine.serve.check_bind(of.bind, tokens)
    page = _page(on, built)
    orders = order.ServiceOrders(built.parts)
    ports = state.Ports(
        orders, inventory.services.ports.ServicePort(rows), alarm_port.AlarmPort(rows)
    )
    bridge = tmforum.build(on, built, orders, ports, paging)
    beside = (
        *bridge.beside,
        *operating.routers(on, built, orders, ports),
        health.router(gauges.readiness(rows), page.render),
        reference.router(),
        bss_bridge.connectors.inbound.router(_billing_office(on, ports)),
    )
    options = bss_bridge.application.Options(
        tokens=tokens, paging=paging, version=__version__, chapters=chapters.tags()
    )
    application = bss_bridge.application.application(bridge.rooms, options, beside)
    socket = bss_bridge.engine.serve.listen(tuning.bind(of))
    return Surfaces(bss_bridge.engine.serve.HttpRole(application, socket), page)


def _page(on: ground.Ground, built: rooms.Built) -> metrics.Metrics:
    """What is measured of the rooms."""
    return gauges.page(
        on.rows,
        on.snmp,
        built.watch,
        on.time,
        built.parts.limits,
        gauges.Turns(built.rounds, built.drift.audits, built.backups.role),
    )


def _billing_office(on: ground.Ground, ports: state.Ports) -> bss_bridge.connectors.inbound.Office:
    """Where billing systems say what is to become of a service."""
    return bss_bridge.connectors.inbound.Office(
        billing.lines(on.tree, on.hrefs),
        bss_bridge.connectors.sender.Mouth(on.http, on.time),
        ports.orders,
        ports.services,
        on.hrefs,
    )
