"""The only place that constructs and wires. Order of start: store, slot, settle, motor, API."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

import bss_bridge.application
import bss_bridge.hrefs
import bss_bridge.hub
import bss_bridge.receivers
import bss_bridge.serve
import inventory.devices
import inventory.ledger
import inventory.onboarding
import inventory.pools
import inventory.ports
from drivers import key_scan
from drivers.snmp import engine, receiver
from oss_agent import (
    __version__,
    clock,
    complaints,
    errors,
    flow,
    gauges,
    locks,
    logs,
    outbox,
    registry,
    settings,
    store,
    tuning,
)
from oss_agent.api import health, network, state
from oss_agent.assurance import alarm_port, role
from oss_agent.catalog import catalogue, specification
from oss_agent.fulfilment import failpoints, feeder, order, parts, transaction
from oss_agent.migrations import upgrade

DRAIN = 20.0
"""Seconds that device work in flight gets to reach a safe point when the daemon stops."""
Roles = list[Coroutine[Any, Any, None]]


async def serve(tree: settings.Settings) -> None:
    """Run the daemon until SIGTERM or SIGINT. ConfigurationError when it cannot even start."""
    logs.configure(tree.log)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tree.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with assembled(tree) as roles, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in roles]
        await stop.wait()
        for task in tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Base:
    """What every room stands on."""

    tree: settings.Settings
    time: clock.SystemClock
    rows: store.SqlStore
    drivers: registry.Registry
    http: httpx.AsyncClient
    snmp: engine.Engine
    hrefs: bss_bridge.hrefs.Hrefs


@contextlib.asynccontextmanager
async def assembled(tree: settings.Settings) -> AsyncIterator[Roles]:
    """The whole daemon, settled and ready; its roles still have to be run."""
    time = clock.SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        held = await stack.enter_async_context(locks.open_locks(tree.store_url, tree.data))
        slot = await locks.take_slot(held)
        if slot != "slot-0":
            raise errors.ConfigurationError(
                "another oss-agent runs on this database: this release is for one node. Stop the "
                "other, or use another database"
            )
        migrated = await asyncio.to_thread(upgrade.migrate, tree.store_url)
        structlog.get_logger().info("database", before=migrated.before, after=migrated.after)
        rows = await stack.enter_async_context(store.open_store(tree.store_url))
        # one socket for traps, bound before anything is promised
        traps = stack.enter_context(_traps(tree.snmp, time))
        snmp = await stack.enter_async_context(
            engine.running(time, limits=tuning.snmp(tree.snmp), traps=traps)
        )
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=10))
        hrefs = bss_bridge.hrefs.Hrefs(tree.http.public_url)
        base = _Base(tree, time, rows, registry.installed(), http, snmp, hrefs)
        yield await _wire(base, slot, stack)


def _traps(of: settings.Snmp, time: clock.SystemClock) -> Any:
    try:
        return receiver.listening(of.trap_bind, of.trap_port, time)
    except OSError as bad:
        raise errors.ConfigurationError(
            f"snmp.trap_bind {of.trap_bind} port {of.trap_port}: {bad.strerror}"
        ) from bad


async def _wire(base: _Base, slot: str, stack: contextlib.AsyncExitStack) -> Roles:
    tree, time, rows = base.tree, base.time, base.rows
    policy = tuning.policy(tree.http)
    ledger = inventory.ledger.SqlLedger(time)
    devices = inventory.devices.StoredDevices(rows, settings.environment())
    outside = bss_bridge.receivers.Outside(
        base.http, time, base.hrefs, policy, tuning.style(tree.http)
    )
    receivers = bss_bridge.receivers.BridgeReceivers(rows, outside, tuning.billing(tree.billing))
    complain = complaints.Complaints(rows, time)
    post = outbox.Outbox(rows, receivers, time, complain.undelivered)
    watch = role.Assurance(
        rows=rows,
        inventory=ledger,
        devices=devices,
        engine=base.snmp,
        sink=post.append,
        time=time,
        pace=tuning.assurance(tree),
    )
    complain.go_to(watch.desk)
    p = parts.Parts(
        store=rows,
        drivers=base.drivers,
        devices=devices,
        ledger=ledger,
        catalogue=catalogue.Specifications(specification.load()),
        events=post.append,
        alarms=watch.desk,
        clock=time,
        limits=tuning.fulfilment(tree.fulfilment),
        failpoints=failpoints.from_environment(settings.environment()),
        count_unknown=lambda device: structlog.get_logger().error("device unknown", device=device),
        bell=asyncio.Event(),
    )
    await rows.write(
        lambda c: inventory.pools.seed(c, tuning.ranges(tree), tenant="default", at=time.now())
    )
    await transaction.settle_all(p)
    motor = flow.DbosFlow(
        tree.flow_url, executor=slot, poisoned=complain.poisoned, pace=tuning.motor(tree.flow)
    )
    motor.register(transaction.phases(p))
    await motor.launch()
    stack.push_async_callback(motor.stop, within=DRAIN)
    onboarding = inventory.onboarding.StoredOnboarding(
        rows, time, devices, base.drivers, base.snmp, key_scan.scan, tree.data / "credentials"
    )
    page = gauges.page(rows, base.snmp, watch, time)
    orders = order.ServiceOrders(p)
    services = inventory.ports.ServicePort(rows)
    alarms = alarm_port.AlarmPort(rows)
    tokens = tuning.tokens(tree.http)
    bss_bridge.serve.check_bind(tree.http.bind, tokens)
    rooms = bss_bridge.application.Rooms(
        orders,
        services,
        inventory.ports.ResourcePort(rows),
        alarms,
        bss_bridge.hub.HubOffice(rows, time, base.hrefs, policy),
    )
    operator = (
        state.router(state.Ports(orders, services, alarms, gauges.undelivered(rows))),
        network.router(onboarding),
        health.router(gauges.readiness(rows), page.render),
    )
    options = bss_bridge.application.Options(tokens=tokens, version=__version__)
    application = bss_bridge.application.application(rooms, options, operator)
    api = bss_bridge.serve.HttpRole(application, bss_bridge.serve.listen(tuning.bind(tree.http)))
    return [
        api.run(),
        feeder.Feeder(p, motor).run(),
        post.run(),
        watch.run(),
        page.run(rows, time),
        rows.watch(),
    ]
