"""Constructs every room once and hands each what it needs: no room finds another by itself.

What belongs to one capability is wired in a module of its own (``newcomers``, ``drifting``); here
stands only who gets what of whom, and in which order.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

import inventory.devices.devices
import inventory.devices.stored_logins
import inventory.drift.case_orders
import inventory.looks.rounds
import inventory.looks.stations_kept
from oss_agent import settings
from oss_agent.app import (
    backups,
    catalogues,
    drifting,
    ground,
    hints,
    ledgers,
    newcomers,
    pools,
    reloading,
    telling,
    tuning,
)
from oss_agent.assurance import role, schedule
from oss_agent.fulfilment import failpoints, parts, service_test
from oss_agent.fulfilment.record import order_ends
from oss_agent.fulfilment.talk import connections
from oss_agent.spi import events


@dataclass(frozen=True, slots=True)
class Built:
    """The rooms, wired."""

    parts: parts.Parts
    telling: telling.Telling
    ledgers: ledgers.Ledgers
    newcomers: newcomers.Newcomers
    rounds: inventory.looks.rounds.Rounds
    stations: inventory.looks.stations_kept.StationsKept
    backups: backups.Backups
    watch: role.Assurance
    catalogue: catalogues.Catalogues
    pools: pools.Pools
    tests: service_test.ServiceTests
    drift: drifting.Drifting


async def build(on: ground.Ground) -> Built:
    """Construct and wire; writes only which devices may be written to and what pools there are."""
    devices = inventory.devices.devices.StoredDevices(on.rows, settings.environment())
    told = telling.build(on)
    sink, hear = told.outbox.append, hints.Hints()
    known = ledgers.build(on, sink)
    sending = inventory.devices.stored_logins.StoredLogins(on.rows, on.time).sending
    arriving = await newcomers.build(on, devices, sink, known.reconciler.touched, sending)
    rounds = _rounds(on, arriving, hear)
    bounds = tuning.fulfilment(on.tree.fulfilment, on.tree.orders)
    lines = connections.Connections(devices, on.drivers, bounds, sending)
    kept = backups.build(on, lines, bounds)
    watch = _assurance(on, known, devices, sink, hear)
    told.complaints.go_to(watch.desk)
    catalogue = catalogues.build(on, sink)
    collaborators = _parts(on, lines, known, catalogue, told, watch, kept)
    await pools.settle(on)
    await catalogues.tell_missing(on.rows, catalogue.live.present.files)
    reloading.tell_lacking(catalogue.live.present.services)
    drift = drifting.build(on, collaborators, hear)
    hear.go_to(rounds.hint, drift.audits.hint, kept.role.hint)
    return Built(
        parts=collaborators,
        telling=told,
        ledgers=known,
        newcomers=arriving,
        rounds=rounds,
        stations=inventory.looks.stations_kept.StationsKept(
            on.rows, on.time, tuning.stations(on.tree.discovery)
        ),
        backups=kept,
        watch=watch,
        catalogue=catalogue,
        pools=pools.build(on, sink, told.complaints.short),
        tests=service_test.ServiceTests(collaborators),
        drift=drift,
    )


def _rounds(
    on: ground.Ground, arriving: newcomers.Newcomers, hear: hints.Hints
) -> inventory.looks.rounds.Rounds:
    """Looks at every device, each in its own slot."""
    pace = tuning.discovery(on.tree.discovery)
    return inventory.looks.rounds.Rounds(
        on.rows, arriving.onboarding, on.time, schedule.due, pace, hear.reconfigured
    )


def _assurance(
    on: ground.Ground,
    known: ledgers.Ledgers,
    devices: inventory.devices.devices.StoredDevices,
    sink: events.EventSink,
    hear: hints.Hints,
) -> role.Assurance:
    """Polls and traps; what a trap says of more than a port is passed on."""
    return role.Assurance(
        rows=on.rows,
        inventory=known.ledger,
        devices=devices,
        engine=on.snmp,
        sink=sink,
        time=on.time,
        pace=tuning.assurance(on.tree),
        changed=hear.changed,
    )


def _parts(
    on: ground.Ground,
    lines: connections.Connections,
    known: ledgers.Ledgers,
    catalogue: catalogues.Catalogues,
    told: telling.Telling,
    watch: role.Assurance,
    kept: backups.Backups,
) -> parts.Parts:
    """What orders work with; a device that one is done with is backed up."""
    return parts.Parts(
        store=on.rows,
        drivers=on.drivers,
        lines=lines,
        ledger=known.ledger,
        catalogue=catalogue.live,
        events=inventory.drift.case_orders.Hearing(told.outbox.append, order_ends.ends).append,
        alarms=watch.desk,
        clock=on.time,
        limits=tuning.fulfilment(on.tree.fulfilment, on.tree.orders),
        failpoints=failpoints.from_environment(settings.environment()),
        count_unknown=lambda device: structlog.get_logger().error("device unknown", device=device),
        bell=asyncio.Event(),
        ended=kept.role.ended,
    )
