"""A store with an inventory of one active service, and polls of its router in a line each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from inventory.planning import ledger as inventory_ledger
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import clock, store
from oss_agent.assurance import alarm_rows, observe, port_table, tables
from oss_agent.assurance import alarms as alarm_desk
from oss_agent.spi import alarms, events, ledger
from oss_agent.spi.device import Endpoint
from oss_agent.spi.views import OperatingStatus, ServiceState, SpecificationRef

T0 = datetime(2026, 1, 1, tzinfo=UTC)
CFS = ledger.ServiceRow(
    id="svc-1",
    tenant="default",
    name="acme-hq",
    category="CFS",
    specification=SpecificationRef("eline", "1.0", "E-Line"),
    characteristics={},
    customer="acme",
    order="17",
    resources=(("pe1", "eth4"), ("pe2", "eth4")),
    meters=(("pe1", "eth4"),),
)


class Devices:
    """Who is polled and whose address is whose."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints = {e.device: e for e in endpoints}

    async def endpoint(self, device: str) -> Endpoint:
        return self.endpoints[device]

    async def by_address(self, address: str) -> str | None:
        return next((e.device for e in self.endpoints.values() if e.address == address), None)

    async def pollable(self) -> tuple[Endpoint, ...]:
        return tuple(self.endpoints.values())


@dataclass
class World:
    """A store with inventory and one active service on pe1:eth4 and pe2:eth4."""

    rows: store.SqlStore
    ledger: inventory_ledger.SqlLedger
    told: list[events.Event] = field(default_factory=list[events.Event])
    broken: bool = False

    def sink(self, _: sa.Connection, event: events.Event) -> None:
        if self.broken:
            raise RuntimeError("the outbox is full")
        self.told.append(event)

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.told]

    async def status(self) -> OperatingStatus:
        snapshot = await self.rows.read(lambda c: self.ledger.snapshot(c, "default"))
        return snapshot.services["svc-1"].operating_status

    async def open_alarm(self, key: alarms.AlarmKey) -> Any:
        return await self.rows.read(lambda c: alarm_rows.open_of(c, key))

    def observer(self) -> observe.Observer:
        desk = alarm_desk.AlarmDesk(self.sink)
        return observe.Observer(self.rows, self.ledger, desk, self.sink)


def _add(connection: sa.Connection, it: inventory_ledger.SqlLedger) -> None:
    for name in ("pe1", "pe2"):
        row: dict[str, Any] = {
            "tenant": "default",
            "name": name,
            "source": "test",
            "kind": "linux",
            "platform": "frr_linux",
            "managed": True,
            "reason": "",
            "address": "127.0.0.1",
            "role": "pe",
            "site": "north",
            "username": "admin",
            "password_ref": None,
            "community_ref": None,
            "ports": {},
            "router_id": None,
        }
        history.begin(connection, inventory_tables.devices, row, T0)
    it.put_service(connection, CFS, T0)
    it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=T0)


@asynccontextmanager
async def world(url: str) -> AsyncIterator[World]:
    it = inventory_ledger.SqlLedger(clock.SystemClock())
    async with store.open_store(url) as rows:
        for metadata in (inventory_tables.METADATA, tables.METADATA):
            await rows.write(metadata.create_all)
        await rows.write(lambda connection: _add(connection, it))
        yield World(rows, it)


def sight(seconds: float, oper: str = "up", *, octets: int = 0, **ports: str) -> observe.Sight:
    named = {"eth3": "up", "eth4": oper} | ports
    seen = tuple(
        port_table.Port(name, number, "up", state, octets, 2 * octets, 0)
        for number, (name, state) in enumerate(named.items(), 1)
    )
    at = T0 + timedelta(seconds=seconds)
    return observe.Sight("pe1", seen, at, 1_000 + int(seconds * 100))


def usage_of(told: Sequence[events.Event]) -> list[Any]:
    return [e.payload for e in told if e.kind is events.EventKind.USAGE_CREATE]
