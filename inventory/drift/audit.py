"""Acts: one audit of one device's part of ours, by reading alone.

A device that an order has in work is not judged, before the reading and after it; what differs is
read a second time before anybody hears of it. So a change of ours is never drift, and neither is what
a device shows for a moment only.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from inventory.drift import attribution, case_orders, drift, drift_rows, pool_audits
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.drift import Audited, Change, Difference, Judgement, Quiet, Reader, Witness

MOST: Final = 100
"""Differences of one device that become a case each."""
IN_WORK: Final = "an order has it in work"


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Who reads devices, knows orders, knows platforms, and asks who changed what.

    ``ended`` says how orders ended that decisions about cases had begun.
    """

    reader: Reader
    quiet: Quiet
    judgement: Judgement
    witness: Witness
    ended: case_orders.Ended


@dataclass(frozen=True, slots=True)
class _Look:
    """What one reading showed; ``word`` is what ``Quiet`` said before and after it.

    ``without`` are (store, claim) of released values that it was seen without.
    """

    ground: drift_rows.Ground
    word: str
    differences: tuple[Difference, ...]
    without: frozenset[tuple[str, int]]


class _InWorkError(Exception):
    """An order has the device: nobody can tell what it should hold now."""


class Auditor:
    """``confirm_after`` are the seconds between the two readings of what differs."""

    def __init__(
        self,
        rows: store.Store,
        others: Collaborators,
        time: clock.Clock,
        confirm_after: float = 2.0,
    ) -> None:
        self._store = rows
        self._others = others
        self._time = time
        self._confirm_after = confirm_after

    async def audit(self, device: str) -> Audited:
        """Judge it, and write what was found. NotFound for a device that is not known."""
        try:
            return await self._judge(device)
        except _InWorkError:
            return Audited(device, self._time.now(), reason=IN_WORK)
        except errors.DeviceError as trouble:
            return await self._unanswered(device, trouble.reason)
        except errors.ConfigurationError as wrong:  # its driver or its data are not installed
            return await self._unanswered(device, str(wrong))

    async def _unanswered(self, device: str, reason: str) -> Audited:
        told = Audited(device, self._time.now(), reason=drift.plain(reason))
        await self._store.write(lambda c: self._not_judged(c, told))
        return told

    async def _judge(self, device: str) -> Audited:
        seen = await self._look(device)
        if seen.differences:
            await asyncio.sleep(self._confirm_after)
            first = frozenset(seen.differences)
            twice, seen = seen.without, await self._look(device)
            both = tuple(one for one in seen.differences if one in first)
            told = await self._attributed(device, seen, both)
            seen = _Look(seen.ground, seen.word, told, twice & seen.without)
        at = self._time.now()
        return await self._store.write(lambda c: self._settle(c, device, seen, at))

    async def _attributed(
        self, device: str, seen: _Look, both: Sequence[Difference]
    ) -> tuple[Difference, ...]:
        """The same; those that become a case each with who did it, where the device says so."""
        first, rest = both[:MOST], both[MOST:]
        told: dict[str, tuple[Change, ...]] = {}
        for name in dict.fromkeys(one.store for one in first):
            since = min(seen.ground.since(one) for one in first if one.store == name)
            told[name] = await self._others.witness.changes(device, name, since)
        # A log of hostile length is some seconds of comparing, which nobody else shall wait for.
        return (*await asyncio.to_thread(_named, first, seen.ground, told), *rest)

    async def _look(self, device: str) -> _Look:
        ground, word = await self._store.read(lambda c: self._before(c, device))
        differences: list[Difference] = []
        without: set[tuple[str, int]] = set()
        for name, parts in ground.parts.items():
            now = await self._others.reader.read(device, name, drift.starts(parts))
            # A thousand services are some 100 ms of comparing, which nobody else shall wait for.
            rules = self._rules(ground.platform, name)
            differences += await asyncio.to_thread(drift.compare, name, parts, now, rules)
            gone = await asyncio.to_thread(pool_audits.gone, ground.resting, parts, now)
            without.update((name, row) for row in gone)
        return _Look(ground, word, tuple(differences), frozenset(without))

    def _before(self, connection: sa.Connection, device: str) -> tuple[drift_rows.Ground, str]:
        word = self._others.quiet.since(connection, device)
        if word is None:
            raise _InWorkError
        return drift_rows.ground(connection, device), word

    def _settle(self, connection: sa.Connection, device: str, seen: _Look, at: datetime) -> Audited:
        """In the unit that writes: no order came between the reading and this."""
        if self._others.quiet.since(connection, device) != seen.word:
            raise _InWorkError
        told = Audited(device, at, *drift_rows.bounded(seen.differences, MOST))
        drift_rows.settle(connection, seen.ground, told, seen.without)
        case_orders.review(connection, device, self._others.ended, at, seen=True)
        return told

    def _not_judged(self, connection: sa.Connection, told: Audited) -> None:
        tenant = drift_rows.ground(connection, told.device).tenant
        drift_rows.note_failure(connection, tenant, told)
        case_orders.review(connection, told.device, self._others.ended, told.at, seen=False)

    def _rules(self, platform: str, name: str) -> drift.Rules:
        judgement = self._others.judgement
        return drift.Rules(
            lambda path: judgement.decision(platform, name, path),
            lambda text: judgement.masked(platform, name, text),
        )


def _named(
    differences: Sequence[Difference],
    ground: drift_rows.Ground,
    told: Mapping[str, tuple[Change, ...]],
) -> tuple[Difference, ...]:
    return tuple(
        dataclasses.replace(one, who=attribution.who(one.path, ground.since(one), told[one.store]))
        for one in differences
    )
