"""Decides which devices' configuration is compared when: each within a bounded time, at once at a hint.

Each has its slot in that time (``turns``). Before it comes a device that differed or did not answer a
while ago, one whose slot passed while the daemon was down, and one of whose services a value was released
that nobody has seen to be gone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from inventory.drift import audit, drift_rows
from inventory.rows import turns
from oss_agent import errors
from oss_agent.spi import cases, clock, drift, store

_CARRIED_OUT: Final = (drift.Decision.REVERT, drift.Decision.ADOPT)


@dataclass(frozen=True, slots=True)
class Pace(turns.Pace):
    """``interval`` is within which each device is compared; ``again`` (s) while it is not as it was."""

    interval: float = 86_400.0
    least_gap: float = 60.0
    refresh: float = 30.0
    together: int = 4
    again: float = 300.0


class Audits:
    """The role, and ``spi.drift.Audits``. ``hint``: a device's configuration may have changed."""

    def __init__(
        self,
        rows: store.Store,
        auditor: audit.Auditor,
        desk: cases.Cases,
        time: clock.Clock,
        due: turns.Due,
        pace: Pace,
    ) -> None:
        self._store = rows
        self._auditor = auditor
        self._desk = desk
        self._time = time
        self._pace = pace
        self._room = asyncio.Semaphore(pace.together)
        self._asked: Counter[str] = Counter()
        self._log = structlog.get_logger("inventory.audits")
        # What failed is wanted again by its rows, and not by its turn.
        work = turns.Work("inventory.audits", self._look, self._members, lambda: None, {})
        self._turns = turns.Turns(rows, work, time, due, pace)
        self.run = self._turns.run
        self.hint = self._turns.hint
        self.seconds = self._turns.seconds

    async def check(self, tenant: str, target: str) -> tuple[drift.Audited, ...]:
        """Audit now, whosever turn it is."""
        names = await self._store.read(lambda c: drift_rows.standing_on(c, tenant, target))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._check(name)) for name in names]
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        return tuple(task.result() for task in tasks)

    def counters(self) -> Mapping[str, int]:
        """Audits by what became of them."""
        return dict(self._asked + Counter(self._turns.counters()))

    async def _check(self, device: str) -> drift.Audited:
        async with self._room:
            told = await self._auditor.audit(device)
        self._asked[_outcome(told)] += 1
        return told

    async def _look(self, turn: turns.Turn[None]) -> str:
        told = await self._auditor.audit(turn.device)
        for one in told.differences:
            if one.decision in _CARRIED_OUT:
                await self._carry_out(turn, one)
        outcome = _outcome(told)
        if outcome == "in_work":  # soon again: an order is done sooner than its next turn comes
            turn.hinted = True
        return outcome

    async def _carry_out(self, turn: turns.Turn[None], one: drift.Difference) -> None:
        """As a person would: audited, a version of the case, and once: what came to nothing is a person's."""
        key = drift_rows.case_id(turn.device, one)
        why = f"the data of its platform say so of {one.path}"
        try:
            case = await self._desk.get(turn.tenant, key)
            if case.state is cases.CaseState.OPEN and not case.begun:
                await self._desk.decide(turn.tenant, key, one.decision, "oss-agent", reason=why)
        except errors.OrderRejected as impossible:
            # It stays open for a person; the next audit tries again.
            self._log.warning("drift not carried out", device=turn.device, reason=impossible.reason)

    def _members(self, connection: sa.Connection) -> Mapping[str, turns.Member]:
        now = self._time.now()
        late = now - timedelta(seconds=self._pace.interval)
        again = now - timedelta(seconds=self._pace.again)
        found: dict[str, turns.Member] = {}
        for name, one in drift_rows.turns(connection).items():
            rested = one.tried_at is None or one.tried_at <= again
            wanted = rested and (one.troubled or one.expecting or one.since <= late)
            found[name] = turns.Member(one.tenant, wanted)
        return found


def _outcome(told: drift.Audited) -> str:
    if told.reason:
        return "in_work" if told.reason == audit.IN_WORK else "unanswered"
    return "differs" if told.differences else "alike"
