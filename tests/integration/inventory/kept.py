"""A store, the rooms of backups over it, and simulated devices to be looked at."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from inventory.backup import backup_desk, backup_look, backup_rows, backups
from inventory.rows import history, tables
from oss_agent import registry, store
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import tables as order_tables
from oss_agent.fulfilment.talk import backup_reader, connections
from oss_agent.spi import clock, device
from oss_agent.spi.backups import Cause, Taken
from tests.integration.inventory import conftest

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Reachable(Protocol):
    """A simulated device."""

    def endpoint(self) -> device.Endpoint: ...


@dataclass
class Time:
    """A clock that a test pushes."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def boot(self) -> clock.BootTime:
        return clock.BootTime("boot", self.monotonic())

    def pass_by(self, minutes: float = 60) -> datetime:
        self.at += timedelta(minutes=minutes)
        return self.at


@dataclass
class Known:
    """``spi.ledger.Devices`` of simulated devices."""

    devices: Mapping[str, Reachable]

    async def endpoint(self, device: str) -> device.Endpoint:
        return self.devices[device].endpoint()

    async def by_address(self, address: str) -> str | None:
        raise NotImplementedError(address)

    async def pollable(self) -> tuple[device.Endpoint, ...]:
        raise NotImplementedError


@dataclass
class Room:
    """Everything a test of backups needs."""

    rows: store.SqlStore
    time: Time
    lines: connections.Connections
    reader: backup_reader.BackupReader
    keeper: backup_look.Keeper
    role: backups.Backups
    desk: backup_desk.BackupDesk
    seen: list[tuple[str, str]]

    async def look(
        self, name: str, cause: Cause = Cause.TURN, orders: tuple[str, ...] = ()
    ) -> Taken:
        """One look, an hour after the last."""
        look = backup_rows.Look("default", self.time.pass_by(), cause, orders)
        return await self.keeper.look(name, look)

    async def cases(self, kind: str) -> list[str]:
        """The texts of the open cases of a kind."""
        c = tables.cases
        query = sa.select(c.c.text).where(history.current(c), c.c.kind == kind)
        return await self.rows.read(lambda connection: list(connection.execute(query).scalars()))

    async def lease(self, name: str, *, held: bool) -> None:
        """An order takes the device, or gives it back."""
        lease = order_tables.lease
        row = {"device": name, "tenant": "default", "transaction_id": "t1", "token": 1}
        insert = lease.insert().values(**row, since=self.time.now())
        await self.rows.write(lambda c: c.execute(insert if held else lease.delete()))


@contextlib.asynccontextmanager
async def room(
    place: Path,
    devices: Mapping[str, Reachable],
    bounds: backup_look.Bounds | None = None,
    pace: backups.Pace | None = None,
) -> AsyncIterator[Room]:
    """``devices`` are trusted and managed, of tenant ``default``."""
    async with store.open_store(f"sqlite:///{place / 'oss.db'}") as rows:
        await rows.write(tables.METADATA.create_all)
        await rows.write(order_tables.lease.metadata.create_all)
        for name, one in devices.items():
            platform = one.endpoint().platform
            await rows.write(functools.partial(_add, name=name, platform=platform))
        drivers, patience = registry.installed(), limits.Limits()
        async with connections.Connections(Known(devices), drivers, patience) as lines:
            time = Time()
            reader = backup_reader.BackupReader(drivers, lines, patience)
            bounds = bounds or backup_look.Bounds(again=0.01)
            keeper = backup_look.Keeper(rows, reader, time, bounds)
            role = backups.Backups(rows, keeper, time, _due, pace or backups.Pace())
            seen: list[tuple[str, str]] = []
            desk = backup_desk.BackupDesk(
                rows,
                time,
                reader,
                role.take,
                lambda _, __, ___, who, name: seen.append((who, name)),
            )
            yield Room(rows, time, lines, reader, keeper, role, desk, seen)


def _due(device: str, interval: float, now: float, failures: int) -> float:
    del device, failures
    return now + interval


def _add(connection: sa.Connection, name: str, platform: str) -> None:
    conftest.add_device(connection, name, platform, "default")
    key = {"device": name, "key": "ssh-ed25519 AAAA", "fingerprint": "SHA256:x"}
    row = {"tenant": "default", **key, "accepted_by": "test"}
    history.begin(connection, tables.device_keys, row, START)
