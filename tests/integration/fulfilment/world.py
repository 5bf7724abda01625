"""Two simulated NETCONF routers, the real store and ledger, and a flow that the test steps.

Only time, the alarm reducer and the event sink are stand-ins; a crash is a new ``Parts`` on the
same database and devices.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from inventory.drift import case_orders
from inventory.planning import ledger as inventory_ledger
from inventory.pools import pools
from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import audit, errors, inserting, registry, store
from oss_agent.catalog import catalogue, collection, specification
from oss_agent.fulfilment import cancellation, failpoints, limits, order, parts
from oss_agent.fulfilment.record import journal, order_ends, participant_rows, states, tables
from oss_agent.fulfilment.talk import connections
from oss_agent.fulfilment.transact import transaction
from oss_agent.fulfilment.turn import cancels, feeder
from oss_agent.spi import alarms, clock, events, logins, orders, query, views
from oss_agent.spi import catalogue as spi_catalogue
from oss_agent.spi import device as spi_device
from oss_agent.testing import flow
from oss_agent.testing.simulated.device import SimulatedDevice
from oss_agent.testing.simulated.offer import Offer
from oss_agent.testing.simulated.schema import Ceiling
from tests import with_tables

PES = ("pe1", "pe2")
PORTS = ("eth3", "eth4", "eth5")
TENANT = "default"
TEST_LIMITS = limits.Limits(
    confirm_within=60.0, rpc_timeout=30.0, prove_within=0.2, prove_every=0.05, retry=5.0
)
_MANY = 100
"""Tries after which no pause grows any more."""
_BY_THEMSELVES = collection.load().ordered
_EVENTS = sa.MetaData()
EVENTS = sa.Table(
    "test_events",
    _EVENTS,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.String(200), unique=True),
    sa.Column("kind", sa.String(50)),
    sa.Column("entity", sa.String(50)),
    sa.Column("payload", sa.JSON),
    sa.Column("changed", sa.JSON),
)

_ROOMS = (tables.METADATA, inventory_tables.METADATA, audit.METADATA, _EVENTS)
_APPEND = inserting.Insert(EVENTS)


def append(connection: sa.Connection, event: events.Event) -> None:
    row: dict[str, Any] = {"id": event.id, "kind": event.kind, "entity": event.entity}
    row["changed"] = list(event.changed)
    _APPEND.one(connection, {**row, "payload": dict(event.payload)})


class TestClock:
    """Real time, which a test may push forward; ``jump`` moves the wall clock alone."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead = 0.0
        self.jump = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead + self.jump)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> clock.BootTime:
        return clock.BootTime("boot-1", time.monotonic() + self.ahead)


class KnownAlarms:
    """Open alarms by key."""

    def __init__(self) -> None:
        self.open: dict[alarms.AlarmKey, alarms.Fault] = {}
        self.raised = 0

    def report(self, connection: sa.Connection, fault: alarms.Fault, at: datetime) -> str:
        del connection, at
        self.raised += fault.key not in self.open
        self.open[fault.key] = fault
        return "1"

    def clear(self, connection: sa.Connection, key: alarms.AlarmKey, at: datetime) -> bool:
        del connection, at
        return self.open.pop(key, None) is not None


class Reachable(Protocol):
    """A device that says how to reach it."""

    def endpoint(self) -> spi_device.Endpoint: ...


@dataclass
class KnownDevices:
    """Endpoints of the simulated devices; ``change`` stands between."""

    devices: Mapping[str, Reachable]
    change: Callable[[spi_device.Endpoint], spi_device.Endpoint] = lambda endpoint: endpoint

    async def endpoint(self, device: str) -> spi_device.Endpoint:
        if device not in self.devices:
            raise errors.DeviceRefused(device, "there is no such device")
        return self.change(self.devices[device].endpoint())

    async def by_address(self, address: str) -> str | None:
        del address
        return None

    async def pollable(self) -> tuple[spi_device.Endpoint, ...]:
        return ()


@functools.cache
def installed() -> registry.Registry:
    """The drivers, looked for once a process: a daemon does it once a start."""
    return registry.installed()


@dataclass
class World:
    """Everything a test needs; ``restart`` is a crash followed by a start."""

    url: str
    rows: store.SqlStore
    devices: Mapping[str, SimulatedDevice]
    clock: TestClock = field(default_factory=TestClock)
    alarms: KnownAlarms = field(default_factory=KnownAlarms)
    flow: flow.SteppedFlow = field(default_factory=flow.SteppedFlow)
    limits: limits.Limits = TEST_LIMITS
    others: Mapping[str, Reachable] = field(default_factory=dict[str, Reachable])
    """devices of other platforms, by name"""
    drivers: spi_device.Drivers = field(default_factory=installed)
    out_of_band: spi_catalogue.OutOfBand | None = None
    """the policy of every service, where it is not the one of its specification"""
    later: tuple[str, ...] = ()
    """characteristics of an E-Line that may be said after it was ordered"""
    sending: logins.Sending = logins.unspared
    """who counts what devices refuse, from the next start on"""
    unknown: list[str] = field(default_factory=list[str])
    ended: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """device and order of each transaction that is done with a device"""
    open: bool = False

    def __post_init__(self) -> None:
        self.known = KnownDevices({**self.devices, **self.others})
        self.lines = connections.Connections(self.known, self.drivers, self.limits, self.sending)
        self.build(failpoints.Failpoints())

    def build(self, points: failpoints.Failpoints) -> None:
        self.points = points
        self.parts = parts.Parts(
            store=self.rows,
            drivers=self.drivers,
            lines=self.lines,
            ledger=inventory_ledger.SqlLedger(self.clock),
            catalogue=catalogue.Specifications(
                _specifications(self.out_of_band, self.later),
                {"as_number": "65000", "internet_community": "65000:100"},
                _BY_THEMSELVES,
            ),
            events=case_orders.Hearing(append, order_ends.ends).append,
            alarms=self.alarms,
            clock=self.clock,
            limits=self.limits,
            failpoints=points,
            count_unknown=self.unknown.append,
            bell=asyncio.Event(),
            ended=lambda device, order: self.ended.append((device, order)),
        )
        self.orders = order.ServiceOrders(self.parts)
        self.cancellations = cancellation.CancelTasks(self.parts)
        self.feeder = feeder.Feeder(self.parts, self.flow)

    async def start(self, points: failpoints.Failpoints | None = None) -> None:
        """As the daemon starts: settle, then the motor. What was open before is cut."""
        await self.stop()
        self.lines = connections.Connections(self.known, self.drivers, self.limits, self.sending)
        await self.lines.__aenter__()
        self.open = True
        self.build(points or failpoints.Failpoints())
        self.flow.crash()
        self.flow.register(transaction.phases(self.parts))
        await transaction.settle_all(self.parts)
        await self.flow.launch()

    async def stop(self) -> None:
        """Every login ends, as with the process."""
        if self.open:
            self.open = False
            await self.lines.__aexit__()

    async def run(self, *, turns: int = 20) -> None:
        """Feed and run until nothing is due."""
        for _ in range(turns):
            if not await self.feeder.feed() and not self.flow.waiting:
                return
            await self.flow.drain()
        raise AssertionError("it never comes to rest")

    async def run_to_the_end(self, *, turns: int = 20) -> None:
        """As ``run``, with time pushed on whenever everything waits."""
        for _ in range(turns):
            await self.run()
            if not await self.rows.read(journal.open_ones):
                return
            self.clock.ahead += self.longest_pause
        raise AssertionError("it never ends")

    @property
    def longest_pause(self) -> float:
        """Seconds after which whatever was tried and has to wait is tried again."""
        return self.limits.pause(_MANY) + 1.0

    async def order(self, name: str = "acme", **more: Any) -> views.ServiceOrderView:
        return (await self.orders.submit(request(name, **more))).order

    async def cancel(self, key: str, **more: Any) -> views.CancelView:
        """Ask for an order's cancellation, and have it assessed as the feeder does."""
        task = await self.cancellations.request(wish(key, **more))
        await self.rows.write(lambda c: cancels.assess_due(c, self.parts))
        return await self.cancellations.get(TENANT, task.id)

    async def get(self, key: str) -> views.ServiceOrderView:
        return await self.orders.get(TENANT, key)

    async def events(self, entity: str) -> list[tuple[str, str]]:
        asked = sa.select(EVENTS).where(EVENTS.c.entity == entity).order_by(EVENTS.c.number)
        rows = await self.rows.read(lambda c: c.execute(asked).all())
        return [(row.kind, row.payload["state"]) for row in rows]

    async def states_told(self, key: str) -> list[str]:
        """The states of a service order that others were told of, in order."""
        told = await self.events(f"serviceOrder:{key}")
        return [state for kind, state in told if "Create" in kind or "StateChange" in kind]

    async def count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        asked = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return int(await self.rows.read(lambda c: c.execute(asked).scalar_one()))

    async def participants(self, key: str) -> dict[str, states.Participant]:
        def query(connection: sa.Connection) -> tuple[states.Participant, ...]:
            found = journal.load(connection, f"{key}-1")
            return participant_rows.of(connection, found) if found else ()

        return {one.device: one for one in await self.rows.read(query)}

    async def snapshots(self) -> dict[str, str]:
        """Each device's whole running configuration, by a session of the test's own."""
        found: dict[str, str] = {}
        for name, one in self.known.devices.items():
            driver = self.drivers.driver(one.endpoint().platform)
            async with driver.session(one.endpoint()) as session:
                found[name] = await session.snapshot()
        return found

    def holds(self, simulated: str, name: str = "acme") -> bool:
        """Does a device have the service now?"""
        return name in str(self.devices[simulated].datastores.running)


def request(name: str = "acme", **more: Any) -> orders.OrderRequest:
    """An order for one E-Line pe1:eth4 to pe2:eth4."""
    body = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 20}
    body |= more.pop("characteristics", {})
    item = orders.ItemRequest(
        id="1",
        action=more.pop("action", views.ItemAction.ADD),
        specification=more.pop("specification", "eline"),
        specification_version=None,
        service_id=more.pop("service_id", None),
        service_name=name,
        characteristics=body,
        path="serviceOrderItem[0]",
        extra=more.pop("item_extra", {}),
        after=more.pop("after", ()),
    )
    digest = more.pop("body_digest", f"digest-{name}-{sorted(body.items())}")
    sender: dict[str, Any] = {"tenant": TENANT, "requester": "bss", **more}
    return orders.OrderRequest(items=(item,), body_digest=digest, **sender)


def wish(order: str, tenant: str = TENANT, **more: Any) -> orders.CancelRequest:
    """That an order be cancelled."""
    return orders.CancelRequest(tenant, order, "bss", **more)


def everything() -> query.Query:
    return query.Query(TENANT)


@contextlib.asynccontextmanager
async def open_world(
    where: Path | str,
    *,
    ceilings: Mapping[str, tuple[Ceiling, ...]] | None = None,
    offers: Mapping[str, Offer] | None = None,
    names: Sequence[str] = PES,
    **more: Any,
) -> AsyncIterator[World]:
    """A network of two routers, known to the inventory, and a started agent.

    ``where`` is a folder for an SQLite file, or the URL of an empty database; ``more`` is World's:
    ``others`` must run already.
    """
    url = where if isinstance(where, str) else f"sqlite:///{where / 'agent.db'}"
    if isinstance(where, str):
        create(url)
    else:
        with_tables.copied(where / "agent.db", *_ROOMS)
    async with contextlib.AsyncExitStack() as stack:
        devices = {
            name: await stack.enter_async_context(
                SimulatedDevice(
                    name,
                    ceilings=(ceilings or {}).get(name, ()),
                    offer=(offers or {}).get(name),
                )
            )
            for name in names
        }
        rows = await stack.enter_async_context(store.open_store(url))
        known: dict[str, Reachable] = {**devices, **more.get("others", {})}
        await rows.write(lambda c: seed(c, known))
        world = World(url, rows, devices, **more)
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


def create(url: str) -> None:
    with_tables.create(url, *_ROOMS)


def _specifications(
    policy: spi_catalogue.OutOfBand | None, later: Sequence[str]
) -> tuple[specification.Specification, ...]:
    told = {} if policy is None else {"out_of_band": policy.value}
    every = (one.model_copy(update=told) for one in _shipped(specification.load))
    return tuple(_with_later(one, later) if one.id == "eline" else one for one in every)


@functools.cache
def _shipped(
    load: Callable[[], tuple[specification.Specification, ...]],
) -> tuple[specification.Specification, ...]:
    """Read once a process: every restart of every world has them anew."""
    return load()


def _with_later(
    one: specification.Specification, later: Sequence[str]
) -> specification.Specification:
    said = {
        name: form.model_copy(update={"later": name in later})
        for name, form in one.characteristics.items()
    }
    return one.model_copy(update={"characteristics": said})


def seed(connection: sa.Connection, devices: Mapping[str, Reachable]) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    core = pools.PoolRange("core-vni", 10_100, 10_199)
    pools.seed(connection, [core], tenant=TENANT, at=at)
    for number, (name, simulated) in enumerate(sorted(devices.items()), start=11):
        _add_device(connection, name, number, simulated, at)
        for port in PORTS:
            row = {"ledger": inventory_tables.PLANNED, "device": name, "name": port}
            history.begin(connection, inventory_tables.interfaces, {"tenant": TENANT, **row}, at)


def _add_device(
    connection: sa.Connection, name: str, number: int, simulated: Reachable, at: datetime
) -> None:
    endpoint = simulated.endpoint()
    row = {
        "tenant": TENANT,
        "name": name,
        "source": "test",
        "kind": "linux",
        "platform": endpoint.platform,
        "managed": True,
        "reason": "",
        "address": f"127.0.0.{number}",
        "role": "pe",
        "site": "north",
        "username": "admin",
        "password_ref": "env:NONE",
        "community_ref": None,
        "ports": {},
        "router_id": f"10.255.0.{number}",
    }
    history.begin(connection, inventory_tables.devices, row, at)
    for key in endpoint.host_keys:
        pinned = {"device": name, "key": key, "fingerprint": "f", "accepted_by": "test"}
        history.begin(connection, inventory_tables.device_keys, {"tenant": TENANT, **pinned}, at)


def take_over(connection: sa.Connection, transaction: str, at: datetime) -> None:
    """Another run adopts it: whoever has it now is fenced."""
    journal.adopt(connection, transaction, at)


def over(made: parts.Parts, network: Any, lines: connections.Connections) -> parts.Parts:
    """The same agent with other devices."""
    return dataclasses.replace(made, drivers=network, lines=lines)
