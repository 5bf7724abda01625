"""Acts on time: every trusted device's configurations are kept, each device in its turn, for ever.

Soon after an order of ours ended on a device, and after a trap that hints at a change; at once when it
was never looked at, or not within its time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import sqlalchemy as sa

from inventory.backup import backup_judge, backup_look, backup_rows
from inventory.rows import history, tables, tenancy, turns
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.backups import Cause, Taken
from oss_agent.spi.device import Datastore

_FIRST_PAUSE: Final = 5.0
"""Seconds after a look that failed; twice as long after each further one."""
_DOUBLINGS: Final = 12
EndedSince: TypeAlias = Callable[[sa.Connection, datetime], Sequence[tuple[str, str, datetime]]]
"""(connection, at) -> device, order and when of what orders brought to an end since."""
_TOLD: Final = 50
"""Orders named beside one version at most."""


@dataclass(frozen=True, slots=True)
class Pace(turns.Pace):
    """``interval`` is within what each device is looked at; 0: only when somebody asks."""

    interval: float = 86_400.0
    least_gap: float = 60.0
    together: int = 4


class Backups:
    """The role. ``hint`` and ``ended`` are for whoever hears that a device may have changed."""

    def __init__(
        self,
        rows: store.Store,
        keeper: backup_look.Keeper,
        time: clock.Clock,
        due: turns.Due,
        pace: Pace,
        ended_since: EndedSince = lambda _, __: (),
    ) -> None:
        self._store = rows
        self._ended_since = ended_since
        self._keeper = keeper
        self._time = time
        self._within = timedelta(seconds=pace.interval)
        self._slot = due
        self._room = asyncio.Semaphore(pace.together)
        self._orders: dict[str, dict[str, None]] = {}
        self._hints: set[str] = set()
        troubles: dict[str, int] = dict.fromkeys(backup_judge.WORDS, _DOUBLINGS + 1)
        work = turns.Work("inventory.backups", self._look, self._members, lambda: None, troubles)
        self._turns = turns.Turns(rows, work, time, self._due, pace)
        self.seconds = self._turns.seconds

    async def run(self) -> None:
        """Look at devices until cancelled; what ended while nobody looked is remembered first."""
        with contextlib.suppress(errors.StoreUnavailable):
            for device, order in await self._store.read(self._untold):
                self.ended(device, order)
        await self._turns.run()

    def hint(self, device: str) -> None:
        """Its configuration may have changed."""
        self._hints.add(device)
        self._turns.hint(device)

    def ended(self, device: str, order: str) -> None:
        """A transaction of this order is done with the device, changed or put back."""
        orders = self._orders.setdefault(device, {})
        if len(orders) < _TOLD:
            orders[order] = None
        self._turns.hint(device)

    def counters(self) -> Mapping[str, int]:
        """Looks by what became of them."""
        return self._turns.counters()

    async def take(self, tenant: str, device: str) -> Taken:
        """Look now, whatever the turn is. NotFound where the tenant has no such device."""
        whose = await self._store.read(lambda c: tenancy.of_device(c, device))
        if whose != tenant:
            raise errors.NotFound(f"device {device}")
        return await self._taken(tenant, device, Cause.ASKED)

    async def _look(self, turn: turns.Turn[None]) -> str:
        hinted = turn.device in self._hints
        self._hints.discard(turn.device)
        cause = Cause.HINT if hinted else Cause.TURN
        taken = await self._taken(turn.tenant, turn.device, cause)
        return taken.trouble or ("changed" if taken.changed else "unchanged")

    async def _taken(self, tenant: str, device: str, cause: Cause) -> Taken:
        """One look; the orders that ended before it are told with what it finds, and then forgotten."""
        async with self._room:
            orders = tuple(self._orders.get(device, ()))
            why = Cause.ORDER if orders else cause
            look = backup_rows.Look(tenant, self._time.now(), why, orders)
            taken = await self._keeper.look(device, look)
        running = Datastore.RUNNING.value
        # Told once: also where only startup was not believed.
        if not taken.trouble or any(view.datastore == running for view in taken.changed):
            left = self._orders.get(device, {})
            for order in orders:
                left.pop(order, None)
            if not left:
                self._orders.pop(device, None)
        return taken

    def _due(self, device: str, interval: float, now: float, failures: int) -> float:
        """Its slot; after a failure sooner, but ever less often."""
        slot = self._slot(device, interval, now, 0)
        if not failures:
            return slot
        return min(slot, now + _FIRST_PAUSE * 2.0 ** min(failures - 1, _DOUBLINGS))

    def _untold(self, connection: sa.Connection) -> list[tuple[str, str]]:
        """Orders that ended on a device after its last good look: a crash, or a stop, came between."""
        b = tables.backup_looks.c
        # One that left long ago would have all that ever ended read.
        seen = sa.select(b.device, b.good_at).where(backup_rows.managed())
        good = {device: at for device, at in connection.execute(seen) if at is not None}
        if not good:
            return []
        ended = self._ended_since(connection, min(good.values()))
        return [(name, order) for name, order, at in ended if name in good and at > good[name]]

    def _members(self, connection: sa.Connection) -> dict[str, turns.Member]:
        """The devices that may be logged in to, and which were not looked at within their time."""
        d, k, b = tables.devices, tables.device_keys, tables.backup_looks
        trusted = sa.select(k.c.row).where(history.current(k), k.c.device == d.c.name).exists()
        query = (
            sa.select(d.c.name, d.c.tenant, b.c.good_at)
            .select_from(d.outerjoin(b, b.c.device == d.c.name))
            .where(history.current(d), d.c.managed, trusted)
        )
        late = self._time.now() - self._within
        return {
            name: turns.Member(tenant, good is None or good < late)
            for name, tenant, good in connection.execute(query)
        }
