"""Starts and stops the daemon. Order of start: lock, schema, store, sockets, rooms, settle, motor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

import bss_bridge.events.delivery
from drivers.snmp import engine, receiver
from oss_agent import clock, errors, flow, locks, logs, registry, settings, store
from oss_agent.app import billing, ending, ground, rooms, starting, surfaces, tuning
from oss_agent.fulfilment.transact import transaction
from oss_agent.fulfilment.turn import feeder, watch
from oss_agent.migrations import upgrade

DRAIN = 20.0
"""Seconds that device work in flight gets to reach a safe point when the daemon stops."""
_ONLY = "slot-0"


@dataclass(frozen=True, slots=True)
class Agent:
    """The daemon, settled and ready: its roles still have to run."""

    ground: ground.Ground
    built: rooms.Built
    surfaces: surfaces.Surfaces
    feeder: feeder.Feeder
    motor: flow.DbosFlow

    def roles(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs until the end; if one of them fails, the daemon ends."""
        return (
            self.surfaces.api.run(),
            self.surfaces.page.run(self.ground.rows, self.ground.time),
            self.feeder.run(),
            self.motor.forget(self.ground.time),
            watch.Watch(self.built.parts).run(),
            self.built.tests.run(),
            self.built.catalogue.files.run(),
            self.built.telling.outbox.run(),
            self.built.telling.late.run(),
            billing.closer(
                self.ground.tree,
                self.ground.rows,
                self.built.telling.outbox.append,
                self.ground.time,
            ).run(),
            self.built.watch.run(),
            self.built.pools.desk.run(),
            self.built.pools.shortages.run(),
            self.built.rounds.run(),
            self.built.stations.run(),
            self.built.drift.audits.run(),
            self.built.ledgers.reconciler.run(),
            self.built.backups.role.run(),
            self.ground.rows.watch(),
        )


async def serve(tree: settings.Settings) -> None:
    """Run until SIGTERM or SIGINT. ConfigurationError when it cannot even start."""
    logs.configure(tree.log)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    told = ending.told(stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    # A start reads the files anyway; without a handler the signal would end it.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    _data_directory(tree.data)
    async with foundation(tree, clock.SystemClock()) as (on, slot):
        await until(stop, _live(on, slot))


async def _live(on: ground.Ground, slot: str) -> None:
    async with moving(on, slot) as agent, asyncio.TaskGroup() as group:
        reload = agent.built.catalogue.files.asked.set
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        for role in agent.roles():
            group.create_task(role)


async def until(stop: asyncio.Event, life: Coroutine[Any, Any, None]) -> None:
    """Live until told to stop, at any moment: also while a start settles what a crash left."""
    try:
        async with asyncio.TaskGroup() as group:
            living, told = group.create_task(life), group.create_task(stop.wait())
            await asyncio.wait({living, told}, return_when=asyncio.FIRST_COMPLETED)
            living.cancel()
            told.cancel()
    except ExceptionGroup as several:
        refusals, _ = several.split((errors.ConfigurationError, errors.StoreUnavailable))
        raise (refusals.exceptions[0] if refusals else several) from None


def _data_directory(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as bad:
        raise errors.ConfigurationError(
            f"data {data}: {bad.strerror}; name a directory that this user may make and write to"
        ) from bad
    if not os.access(data, os.W_OK | os.X_OK):
        raise errors.ConfigurationError(
            f"data {data}: this user may not write there; change its owner or name another"
        )


@contextlib.asynccontextmanager
async def foundation(
    tree: settings.Settings, time: clock.SystemClock
) -> AsyncIterator[tuple[ground.Ground, str]]:
    """What every room stands on, and our slot; released in reverse order.

    ``time`` comes in so that a test may push it. ConfigurationError when it cannot be had.
    """
    async with contextlib.AsyncExitStack() as stack:
        slot = await _slot(tree, stack)
        migrated = await asyncio.to_thread(upgrade.migrate, tree.store_url)
        structlog.get_logger().info("database", before=migrated.before, after=migrated.after)
        rows = await stack.enter_async_context(store.open_store(tree.store_url))
        traps = _trap_socket(tree.snmp, time, stack)
        snmp = await stack.enter_async_context(
            engine.running(time, limits=tuning.snmp(tree.snmp), traps=traps)
        )
        http = await stack.enter_async_context(bss_bridge.events.delivery.client())
        yield ground.Ground(tree, time, rows, registry.installed(), http, snmp), slot


async def _slot(tree: settings.Settings, stack: contextlib.AsyncExitStack) -> str:
    held = await stack.enter_async_context(locks.open_locks(tree.store_url, tree.data))
    slot = await locks.take_slot(held)
    if slot != _ONLY:
        raise errors.ConfigurationError(
            "another oss-agent runs on this database, and this release is for one node: stop the "
            "other, or use another database"
        )
    return slot


def _trap_socket(
    of: settings.Snmp, time: clock.SystemClock, stack: contextlib.AsyncExitStack
) -> receiver.TrapReceiver:
    """Bound before anything is promised: a taken port stops the daemon with a sentence."""
    try:
        return stack.enter_context(receiver.listening(of.trap_bind, of.trap_port, time))
    except OSError as bad:
        raise errors.ConfigurationError(
            f"snmp.trap_bind {of.trap_bind} port {of.trap_port}: {bad.strerror}; another receiver "
            "may have it, and ports below 1024 need CAP_NET_BIND_SERVICE"
        ) from bad


@contextlib.asynccontextmanager
async def moving(on: ground.Ground, slot: str) -> AsyncIterator[Agent]:
    """Settle what a crash left, then the motor, then what talks to the world."""
    built = await rooms.build(on)
    api = surfaces.http(on, built)  # binds its socket: the last thing that may refuse to start
    async with built.parts.lines:
        motor = await _settled(on, built, slot)
        try:
            await on.rows.write(lambda c: starting.tell(c, on.tree, on.time.now()))
            yield Agent(on, built, api, feeder.Feeder(built.parts, motor), motor)
        finally:
            await motor.stop(within=DRAIN)


async def _settled(on: ground.Ground, built: rooms.Built, slot: str) -> flow.DbosFlow:
    """The motor, launched when no device is left as a crash left it."""
    await transaction.settle_all(built.parts)
    motor = flow.DbosFlow(
        on.tree.flow_url,
        executor=slot,
        poisoned=built.telling.complaints.poisoned,
        pace=tuning.motor(on.tree.flow),
    )
    motor.register(transaction.phases(built.parts))
    await motor.launch()
    return motor
