"""The operator's API, wired: which desk answers which of its routes."""

from __future__ import annotations

import functools

from fastapi import APIRouter

import bss_bridge.events.notifications
from oss_agent import audit_trail
from oss_agent.api import (
    adoption,
    audit,
    backups,
    cases,
    catalogue,
    drift,
    fallout,
    ledgers,
    logins,
    network,
    outbox,
    pools,
    proving,
    scouting,
    state,
    stops,
    whereabouts,
)
from oss_agent.app import deliveries, ground, rooms
from oss_agent.fulfilment import adoptions, order
from oss_agent.fulfilment import fallout as falling_out
from oss_agent.fulfilment.turn import stop_desk


def routers(
    on: ground.Ground, built: rooms.Built, orders: order.ServiceOrders, ports: state.Ports
) -> tuple[APIRouter, ...]:
    """Everything below ``/api/v1`` but readiness; ``orders`` are those behind ``ports``."""
    return (
        state.router(ports, on.time),
        outbox.router(_deliveries(on, built)),
        audit.router(audit_trail.AuditTrail(on.rows), on.time),
        adoption.router(adoptions.Adoptions(built.parts, orders, built.catalogue.live)),
        *_devices(on, built),
        pools.router(built.pools.desk, on.time),
        scouting.router(built.newcomers.scout),
        catalogue.router(built.catalogue.files),
        stops.router(stop_desk.StopDesk(built.parts), on.time),
        fallout.router(falling_out.FalloutDesk(built.parts)),
    )


def _devices(on: ground.Ground, built: rooms.Built) -> tuple[APIRouter, ...]:
    """What there is, what it holds, and what is to be decided about it."""
    arriving = built.newcomers
    return (
        network.router(arriving.onboarding, on.time),
        whereabouts.router(arriving.onboarding),
        proving.router(arriving.laws),
        logins.router(arriving.trial),
        cases.router(built.drift.cases, on.time),
        drift.router(built.drift.audits),
        ledgers.router(built.ledgers.views, on.time),
        backups.router(built.backups.desk, on.time),
    )


def _deliveries(on: ground.Ground, built: rooms.Built) -> deliveries.Deliveries:
    """What is still to be told, shown as it is sent."""
    shown = functools.partial(bss_bridge.events.notifications.envelope, links=on.hrefs)
    return deliveries.Deliveries(on.rows, built.telling.outbox, on.time, shown)
