"""The whole daemon in this process: real rooms, store, motor and HTTP, on simulated routers.

Only its clock is a test's, which may push it. Nothing moves while the test does not run the loop, so
that a test says how far the daemon gets before the next thing happens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent import clock, database, settings
from oss_agent.app import daemon, ground
from oss_agent.catalog import specification
from oss_agent.fulfilment.record import states, tables
from oss_agent.migrations import upgrade
from oss_agent.outbox import tables as outbox_tables
from oss_agent.spi import clock as spi_clock
from oss_agent.spi import views
from oss_agent.testing import daemon as daemons
from oss_agent.testing.simulated.device import SimulatedDevice
from tests import with_tables
from tests.crash import collect

ROUTERS = ("pe1", "pe2", "pe3")
PORTS = ("eth2", "eth3", "eth4", "eth5", "eth6")
STEP = 61.0
"""Seconds after which whatever waits for a device looks again; longer than a device's own timer."""
PATIENCE = 300.0
"""Seconds of real time for coming to rest: a long story's many orders, on a busy machine."""
_CONFIRM_WITHIN = 60.0
_ORDERS = "/tmf-api/serviceOrdering/v4"
LATER = "eline-later"
"""The E-Line as a specification whose bandwidth is required, and may be said later."""


class PushedClock(clock.SystemClock):
    """The machine's time and what a test added to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        """Aware UTC."""
        return super().now() + timedelta(seconds=self.ahead)

    def boot(self) -> spi_clock.BootTime:
        """Seconds since boot."""
        real = super().boot()
        return spi_clock.BootTime(real.boot_id, real.seconds + self.ahead)


class LivingAgent:
    """Routers, and a daemon over them that is started and stopped as often as a test likes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.clock = PushedClock()
        now = self.clock
        self.devices = {
            name: SimulatedDevice(name, now=lambda: now.now().timestamp()) for name in ROUTERS
        }
        self.away: set[str] = set()
        self._tree = settings.Settings(
            data=place,
            http=settings.Http(port=0),
            snmp=settings.Snmp(trap_port=0),
            discovery=settings.Discovery(interval=0),
            catalogue=settings.Catalogue(folder=_catalogue(place)),
            fulfilment=settings.Fulfilment(
                confirm_within=_CONFIRM_WITHIN, rpc_timeout=20.0, prove_within=0.2, breaker_votes=0
            ),
        )
        self._agent: daemon.Agent | None = None
        self._life: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    # --- what it is made of

    @property
    def agent(self) -> daemon.Agent:
        """The daemon, which has to be up."""
        if self._life is not None and self._life.done():
            self._life.result()
        assert self._agent is not None
        return self._agent

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.agent.surfaces.api.url

    @property
    def written(self) -> int:
        """Failpoints passed since it was started: how far it has got."""
        return sum(self.agent.built.parts.failpoints.passed.values())

    def specifications(self) -> tuple[specification.Specification, ...]:
        """What can be ordered from it."""
        folder = self.place / "catalogue" / "services"
        return (*specification.load(), *specification.load(folder))

    # --- its life

    async def begin(self) -> None:
        """Routers up, the network known, the daemon started."""
        for device in self.devices.values():
            await device.__aenter__()
        file = database.file_of(database.parse(self._tree.store_url))
        assert file is not None
        with_tables.copied_of(upgrade.migrate, file)
        secret = self.place / "password"
        secret.write_text("admin", encoding="utf-8")
        secret.chmod(0o600)
        engine = sa.create_engine(self._tree.store_url)
        with engine.begin() as connection:
            for device in self.devices.values():
                _introduce(connection, device, f"file:{secret}")
        engine.dispose()
        await self.start()

    async def start(self) -> None:
        """As ``oss-agent run`` does: settle, then the motor, then the roles."""
        self._stop = asyncio.Event()
        up: asyncio.Future[daemon.Agent] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(self._stop, up))
        both: set[asyncio.Future[Any]] = {self._life, up}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        self._agent = up.result() if up.done() else self.agent

    async def _live(self, stop: asyncio.Event, up: asyncio.Future[daemon.Agent]) -> None:
        async with daemon.foundation(self._tree, self.clock) as (on, slot):
            await daemon.until(stop, self._roles(on, slot, up))

    async def _roles(self, on: ground.Ground, slot: str, up: asyncio.Future[daemon.Agent]) -> None:
        async with daemon.moving(on, slot) as agent, asyncio.TaskGroup() as group:
            for role in agent.roles():
                group.create_task(role)
            up.set_result(agent)

    async def stop(self) -> None:
        """As on SIGTERM; what it raised is raised here."""
        self._stop.set()
        if self._life is not None:
            await self._life
        self._agent = self._life = None

    async def end(self) -> None:
        """Nothing is left running."""
        await self.stop()
        for name in set(self.devices) - self.away:
            await self.devices[name].__aexit__(None, None, None)

    # --- asking it

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request, whatever comes back."""
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, verify=daemons.NOBODY, timeout=PATIENCE
        ) as http:
            return await http.request(method, path, json=body, headers=headers)

    async def order(self, body: Mapping[str, Any], fallout: str = "fail") -> httpx.Response:
        """A service order (TMF641); ``fallout``: what becomes of an item of it that fails."""
        return await self.ask("POST", f"{_ORDERS}/serviceOrder", body, {"Fallout": fallout})

    async def cancel(self, order: str) -> httpx.Response:
        """An order's cancellation (TMF641)."""
        body = {"serviceOrder": {"id": order}}
        return await self.ask("POST", f"{_ORDERS}/cancelServiceOrder", body)

    async def amend(self, order: str, items: list[dict[str, Any]]) -> httpx.Response:
        """A merge patch of an order's items (TMF641)."""
        path = f"{_ORDERS}/serviceOrder/{order}"
        return await self.ask("PATCH", path, {"serviceOrderItem": items})

    # --- letting it work

    async def work(self, writes: int) -> None:
        """Until it has passed so many more failpoints, or is at rest."""
        wanted = self.written + writes
        while self.written < wanted:
            if await self.at_rest():
                return

    async def rest(self) -> None:
        """Until whatever is open waits for a time that has not come."""
        async with asyncio.timeout(PATIENCE):
            while not await self.at_rest():
                self.agent.feeder.wake()
                await asyncio.sleep(0.01)

    async def at_rest(self) -> bool:
        """Is nothing due, nothing in work, no cancellation unread and nothing left to be told?"""
        at = self.clock.now()
        return not await self.agent.ground.rows.read(lambda c: _busy(c, at))

    async def push(self, seconds: float = STEP) -> None:
        """Time goes on, for routers too: what nobody confirmed in time they undo."""
        self.clock.ahead += seconds
        for device in self.devices.values():
            if device.pending and seconds >= _CONFIRM_WITHIN:
                device.datastores.expire()
        await self.rest()

    # --- what is left

    def rows(self) -> collect.Tables:
        """Every row as it is on disk."""
        found, broken, damage = collect.database(self._tree.store_url)
        assert (broken, damage) == (None, ())
        return found


def _catalogue(place: Path) -> Path:
    """A folder with the shipped E-Line once more, of which one thing may be said later."""
    shipped = resources.files("oss_agent.catalog") / "shipped" / "services" / "eline-1.0.yaml"
    text = shipped.read_text(encoding="utf-8").replace("id: eline", f"id: {LATER}")
    text = text.replace("bandwidth: {", "bandwidth: {required: true, later: true, ")
    folder = place / "catalogue" / "services"
    folder.mkdir(parents=True)
    (folder / f"{LATER}-1.0.yaml").write_text(text, encoding="utf-8")
    return folder.parent


def _busy(connection: sa.Connection, at: datetime) -> bool:
    t, c = tables.transaction.c, tables.cancel.c
    due = sa.and_(t.stage == states.Stage.WAITING, sa.or_(t.wake_at.is_(None), t.wake_at <= at))
    moving = t.stage.in_([states.Stage.QUEUED, states.Stage.RUNNING])
    unread = sa.and_(
        c.state == views.TaskState.ACKNOWLEDGED, sa.or_(c.requested.is_(None), c.requested <= at)
    )
    told = outbox_tables.EVENTS.c
    asked = (
        sa.select(t.id).where(sa.or_(moving, due)),
        sa.select(c.id).where(unread),
        sa.select(told.id).where(~told.spread),
    )
    return any(connection.execute(one.limit(1)).first() is not None for one in asked)


def _introduce(connection: sa.Connection, device: SimulatedDevice, secret: str) -> None:
    """The router as an import would have it known, its ports free for customers."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    endpoint = device.endpoint()
    row: dict[str, Any] = {
        "tenant": "default",
        "name": device.name,
        "source": "test",
        "kind": "linux",
        "platform": endpoint.platform,
        "managed": True,
        "reason": "",
        "address": endpoint.address,
        "role": "pe",
        "site": "north",
        "username": "admin",
        "password_ref": secret,
        "community_ref": None,
        "ports": dict(endpoint.ports),
        "router_id": f"10.255.0.{10 + ROUTERS.index(device.name)}",
    }
    history.begin(connection, inventory_tables.devices, row, at)
    for key in endpoint.host_keys:
        pinned = {"device": device.name, "key": key, "fingerprint": "f", "accepted_by": "test"}
        history.begin(connection, inventory_tables.device_keys, {"tenant": "default", **pinned}, at)
    for port in PORTS:
        planned = {"ledger": inventory_tables.PLANNED, "device": device.name, "name": port}
        history.begin(connection, inventory_tables.interfaces, {"tenant": "default", **planned}, at)


@contextlib.contextmanager
def living(place: Path) -> Iterator[tuple[asyncio.Runner, LivingAgent]]:
    """A daemon and the loop it lives on; the block runs that loop, or nothing moves."""
    with asyncio.Runner() as runner:
        agent = runner.run(_made(place))
        try:
            yield runner, agent
        finally:
            runner.run(agent.end())


async def _made(place: Path) -> LivingAgent:
    agent = LivingAgent(place)
    await agent.begin()
    return agent


def characteristics(values: Mapping[str, str | int]) -> list[dict[str, str | int]]:
    """As TMF641 writes them."""
    return [{"name": name, "value": value} for name, value in values.items()]
