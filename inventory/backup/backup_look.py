"""Acts: one look at one device's configurations; what is whole is kept, anything else is said.

A device that an order has in work is not looked at: what it shows then may never have been. So that is
asked before the reading, and once more in the unit that writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.backup import backup_judge, backup_rows, backup_texts
from inventory.backup.backup_judge import Trouble
from inventory.rows import cases, tables
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.backups import Part, Reader, Taken

HELD: Final = Trouble("held", "an order has it in work")
_LOOKS, _L = tables.backup_looks, tables.backup_looks.c
_MINE = _L.device == sa.bindparam("at_device")
_BEFORE, _BEGIN = _LOOKS.select().where(_MINE), _LOOKS.insert()
_AGAIN = _LOOKS.update().where(_MINE)
"""Made once: each order's devices are looked at when it has ended."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept, and when a person is called: ``overdue`` after the last good look.

    ``again`` is how long (s) until what has less than half left is read a second time.
    """

    keep: backup_rows.Keep = field(default_factory=backup_rows.Keep)
    most_bytes: int = 8 * 1024 * 1024
    overdue: timedelta = timedelta(days=2)
    again: float = 2.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A part that is believed, ready to be written."""

    part: Part
    place: backup_rows.Place
    text: backup_texts.Packed


class Keeper:
    """Looks at devices, one at a time."""

    def __init__(
        self, rows: store.Store, reader: Reader, time: clock.Clock, bounds: Bounds
    ) -> None:
        self._store = rows
        self._reader = reader
        self._time = time
        self._bounds = bounds

    async def look(self, device: str, look: backup_rows.Look) -> Taken:
        """Read it, judge, and write. StoreUnavailable; what is wrong with the device is the answer."""
        word, sizes = await self._store.read(lambda c: self._before(c, device))
        if word is None:
            return await self._failed(device, look, HELD)
        try:
            parts = await self._read(device, sizes)
        except errors.DeviceError as silence:
            return await self._failed(device, look, _trouble(silence))
        except errors.ConfigurationError as wrong:
            reason = backup_judge.sentence(str(wrong))
            return await self._failed(device, look, Trouble("refused", reason))
        most = self._bounds.most_bytes
        refusals = {part: backup_judge.refused(part, most) for part in parts}
        kept = [
            _Kept(
                part, backup_judge.place_of(device, part), await backup_texts.pack(part.whole.text)
            )
            for part, refusal in refusals.items()
            if refusal is None
        ]
        unsaved = await _unsaved(kept)
        trouble = next(filter(None, refusals.values()), None)

        def unit(connection: sa.Connection) -> Taken:
            if self._reader.quiet(connection, device) != word:
                return self._note(connection, device, look, HELD)
            changed = self._keep(connection, kept, look)
            found = self._cases(connection, unsaved, look)
            found += _unjudged(connection, device, look, refusals)
            taken = self._note(connection, device, look, trouble, found)
            views = backup_rows.new_versions(connection, look.tenant, changed)
            return Taken(device, look.at, taken.trouble, taken.reason, views)

        return await self._store.write(unit)

    def _before(
        self, connection: sa.Connection, device: str
    ) -> tuple[str | None, dict[backup_rows.Place, int]]:
        known = backup_rows.current(connection, device)
        sizes = {place: size for place, (_, size) in known.items()}
        return self._reader.quiet(connection, device), sizes

    async def _read(self, device: str, sizes: dict[backup_rows.Place, int]) -> tuple[Part, ...]:
        parts = await self._reader.read(device)
        if backup_judge.shrunk(device, parts, sizes):
            await asyncio.sleep(self._bounds.again)
            parts = await self._reader.read(device)
        return parts

    def _keep(
        self, connection: sa.Connection, kept: Sequence[_Kept], look: backup_rows.Look
    ) -> list[backup_rows.Place]:
        changed = [
            one.place for one in kept if backup_rows.put(connection, one.place, one.text, look)
        ]
        for place in changed:
            backup_rows.prune(connection, place, self._bounds.keep, look.at)
        return changed

    def _cases(
        self,
        connection: sa.Connection,
        unsaved: Sequence[backup_judge.Unsaved],
        look: backup_rows.Look,
    ) -> list[cases.Case]:
        return [
            backup_judge.unsaved(
                one, backup_rows.unsaved_since(connection, one.place, one.startup, look.at)
            )
            for one in unsaved
        ]

    async def _failed(self, device: str, look: backup_rows.Look, trouble: Trouble) -> Taken:
        return await self._store.write(lambda c: self._note(c, device, look, trouble))

    def _note(
        self,
        connection: sa.Connection,
        device: str,
        look: backup_rows.Look,
        trouble: Trouble | None,
        found: Sequence[cases.Case] | None = None,
    ) -> Taken:
        """That it was looked at, overwritten; and the cases, ``found`` being None where nobody saw."""
        mine = {"at_device": device}
        before = connection.execute(_BEFORE, mine).mappings().first()
        row = _row(before, device, look, trouble)
        if before is None:
            connection.execute(_BEGIN, row)
        else:
            connection.execute(_AGAIN, mine | row)
        kinds, open_ones = [backup_judge.OVERDUE], self._overdue(row, device, trouble)
        if found is not None:
            kinds.append(backup_judge.UNSAVED)
            open_ones += found
        cases.settle(connection, look.tenant, device, kinds, open_ones, look.at)
        return Taken(device, look.at, row["trouble"], row["reason"])

    def _overdue(
        self, row: dict[str, Any], device: str, trouble: Trouble | None
    ) -> list[cases.Case]:
        if trouble is None:
            return []
        good, limit = row["good_at"], self._bounds.overdue
        since: datetime = good or row["since"]
        if row["tried_at"] - since <= limit:
            return []
        return [backup_judge.overdue(device, trouble, good, since, limit)]


def _unjudged(
    connection: sa.Connection,
    device: str,
    look: backup_rows.Look,
    refusals: Mapping[Part, Trouble | None],
) -> list[cases.Case]:
    """What stood of the stores of which a text was not believed: nobody saw that it is over."""
    stores = {part.store for part, refusal in refusals.items() if refusal is not None}
    kinds = (backup_judge.UNSAVED,)
    stood = cases.standing(connection, look.tenant, (device,), kinds) if stores else {}
    return [case for case in stood.values() if case.evidence.partition(" ")[0] in stores]


def _row(
    before: sa.RowMapping | None, device: str, look: backup_rows.Look, trouble: Trouble | None
) -> dict[str, Any]:
    good = trouble is None
    return {
        "device": device,
        "tenant": look.tenant,
        "since": before["since"] if before else look.at,
        "tried_at": look.at,
        "good_at": look.at if good else before and before["good_at"],
        "looks": (before["looks"] if before else 0) + good,
        "trouble": trouble.word if trouble else "",
        "reason": trouble.reason if trouble else "",
    }


async def _unsaved(kept: Sequence[_Kept]) -> list[backup_judge.Unsaved]:
    packed = {(one.part.store, one.part.datastore): one for one in kept}
    found: list[backup_judge.Unsaved] = []
    for running, startup in backup_judge.pairs([one.part for one in kept]):
        now = packed[running.store, running.datastore]
        then = packed[startup.store, startup.datastore]
        if now.text.digest != then.text.digest:
            words = await asyncio.to_thread(
                backup_judge.lines, running.whole.text, startup.whole.text
            )
            found.append(backup_judge.Unsaved(now.place, now.text.digest, then.text.digest, words))
    return found


def _trouble(trouble: errors.DeviceError) -> Trouble:
    words = (
        (errors.DeviceUnreachable, "unreachable"),
        (errors.DeviceBusy, "busy"),
        (errors.DeviceRefused, "refused"),
    )
    word = next((word for kind, word in words if isinstance(trouble, kind)), "failed")
    return Trouble(word, backup_judge.sentence(trouble.reason))
