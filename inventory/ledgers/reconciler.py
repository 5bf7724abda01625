"""Acts on time: what a look or an order touched is compared at once, everything slowly, for ever.

The comparison reads beside the writer. Only where cases come or go it is made again inside the unit
that writes them, so that a case is never opened on what an order changed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from inventory.ledgers import compared, ledger_facts, reconcile
from inventory.rows import cases, history, tables
from oss_agent import errors
from oss_agent.spi import clock, store

Busy: TypeAlias = Callable[[sa.Connection], Collection[str]]
"""The services that orders are at work on: no case is opened about them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, and how many devices are compared ``together``.

    ``soon`` is from a hint to the comparison, ``again`` while an order is at work on what differs,
    ``whole`` between two of everything, ``first`` until the first of them.
    """

    soon: float = 1.0
    again: float = 5.0
    whole: float = 3600.0
    first: float = 60.0
    together: int = 50


class Reconciler:
    """The role. ``touched`` is for whoever changed what a ledger says of a device."""

    def __init__(
        self, rows: store.Store, time: clock.Clock, busy: Busy, pace: Pace | None = None
    ) -> None:
        self._store = rows
        self._time = time
        self._busy = busy
        self._pace = pace or Pace()
        self._dirty: dict[str, float] = {}
        self._counters: Counter[str] = Counter()
        self._log = structlog.get_logger("inventory.reconciler")

    def touched(self, device: str) -> None:
        """Compare it soon; what the unit that says so writes is there by then, or the next look's."""
        self._dirty.setdefault(device, self._time.monotonic() + self._pace.soon)

    def counters(self) -> Mapping[str, int]:
        """Devices compared, and differences that came or went."""
        return dict(self._counters)

    async def run(self) -> None:
        """Compare for ever; what a database that is away leaves undone, the next turn does."""
        whole_at = self._time.monotonic() + self._pace.first
        while True:
            now = self._time.monotonic()
            await self._in_turn(now)
            if now >= whole_at:
                whole_at = now + self._pace.whole
                await self._guarded(None)
            await asyncio.sleep(self._pace.soon)

    async def _in_turn(self, now: float) -> None:
        """What was touched long enough ago. A database that is away leaves it for later."""
        due = [name for name, at in self._dirty.items() if at <= now][: self._pace.together]
        for name in due:
            del self._dirty[name]
        if due and not await self._guarded(due):
            for name in due:
                self._dirty.setdefault(name, now + self._pace.again)

    async def _guarded(self, devices: Sequence[str] | None) -> bool:
        """``look``; False when the database was away and it has to be done again."""
        try:
            await self.look(devices)
        except errors.StoreUnavailable:
            return False
        except Exception:  # noqa: BLE001  a defect that one device shows must not end the daemon
            self._log.exception("ledgers not compared: a defect of ours", devices=devices)
            self._counters["failed"] += 1
        return True

    async def look(self, devices: Sequence[str] | None = None) -> int:
        """Compare these devices, or all and the pools; returns of how many the cases changed."""
        names = await self._store.read(_names) if devices is None else devices
        changed = 0
        for start in range(0, len(names), self._pace.together):
            changed += await self._batch(names[start : start + self._pace.together])
        if devices is None:
            changed += await self._batch(("",))
        return changed

    async def _batch(self, names: Sequence[str]) -> int:
        at = self._time.now()
        judged = await self._store.read(lambda c: list(_judged(c, names, self._busy(c), at)))
        again = self._time.monotonic() + self._pace.again
        self._dirty |= {one.device: again for one in judged if one.postponed and one.device}
        moved = [one.device for one in judged if one.moved]
        self._counters["compared"] += len(names)
        if moved:
            await self._store.write(lambda c: _settle(c, moved, self._busy(c), at))
            self._counters["changed"] += len(moved)
        return len(moved)


@dataclass(slots=True)
class _Judged:
    """Of one device: the cases that should be, and those that there are.

    ``postponed``: more differs, and an order is at work on it.
    """

    tenant: str
    device: str
    found: list[cases.Case] = field(default_factory=list[cases.Case])
    there: list[cases.Case] = field(default_factory=list[cases.Case])
    postponed: bool = False

    @property
    def moved(self) -> bool:
        """Do they differ, also in whose they are and what is safe?"""
        return {*map(_whose, self.found)} != {*map(_whose, self.there)}


def _names(connection: sa.Connection) -> Sequence[str]:
    c = tables.devices.c
    query = sa.select(c.name).where(history.current(tables.devices)).order_by(c.name)
    return connection.execute(query).scalars().all()


def _settle(
    connection: sa.Connection, names: Collection[str], busy: Collection[str], at: datetime
) -> None:
    for one in _judged(connection, names, busy, at):
        # A value of a pool is on no device.
        kinds = reconcile.KINDS if one.device else reconcile.POOL_KINDS
        cases.settle(connection, one.tenant, one.device, kinds, one.found, at)


def _whose(case: cases.Case) -> tuple[str, str, tuple[str, ...]]:
    return case.id, case.owner, case.actions


def _judged(
    connection: sa.Connection, names: Collection[str], busy: Collection[str], at: datetime
) -> Iterator[_Judged]:
    """What the ledgers of these devices, and of the pools where "" is one, disagree on."""
    for tenant, mine in _by_tenant(connection, names).items():
        judged = {device: _Judged(tenant, device) for device in mine}
        kinds = (*reconcile.KINDS, *reconcile.POOL_KINDS)
        there = cases.standing(connection, tenant, mine, kinds)
        for case in there.values():
            judged[case.device].there.append(case)
        for one in _differences(connection, tenant, mine, at):
            # What is amiss while an order is at work may be the order; what was so before stays.
            if one.service not in busy or one.case.id in there:
                judged[one.case.device].found.append(one.case)
            else:
                judged[one.case.device].postponed = True
        yield from judged.values()


def _differences(
    connection: sa.Connection, tenant: str, names: Collection[str], at: datetime
) -> Iterable[compared.Difference]:
    devices = [name for name in names if name]
    if devices:
        facts = ledger_facts.of_devices(connection, tenant, devices)
        yield from reconcile.differences(facts, at)
    if "" in names:
        holds = ledger_facts.pool_holds(connection, tenant)
        living = ledger_facts.living(connection, {one.service for one in holds})
        yield from reconcile.pool_differences(holds, living)


def _by_tenant(connection: sa.Connection, names: Collection[str]) -> Mapping[str, list[str]]:
    """These devices by whose they are; "" is everybody's."""
    c = tables.devices.c
    query = sa.select(c.tenant, c.name).where(history.current(tables.devices))
    every = connection.execute(query if "" in names else query.where(c.name.in_(sorted(names))))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for tenant, name in every:
        mine = found[tenant]
        if name in names:
            mine.append(name)
    return {tenant: [*mine, ""] if "" in names else mine for tenant, mine in found.items()}
