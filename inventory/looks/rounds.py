"""Decides how a device is looked at in its turn: cheaply first, then at what may have changed.

A look begins with one cheap question (``stamps``): where that tells that nothing changed, and no trap
hinted at anything, it ends there; else what changed is read. After ``whole`` everything is. A device that does not answer is asked less often, and a trap or an
answer ends that. When whose turn it is, ``turns`` says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import sqlalchemy as sa

from inventory.rows import history, stamps, tables, turns
from oss_agent import errors
from oss_agent.spi import clock, onboarding, store
from oss_agent.spi.onboarding import About

_EVER_LESS: Final = 1_000
_PLACES: Final = frozenset({About.PARTS})
_TROUBLES: Final = ("unanswered", "refused", "unread")
"""It was silent; a login or key was not accepted; it answered, and nothing could be made of it."""


@dataclass(frozen=True, slots=True)
class Pace(turns.Pace):
    """And the seconds between whole looks."""

    whole: float = 3600.0


class Looks(Protocol):
    """Who looks: ``inventory.onboarding.onboarding`` with its explorer."""

    async def stamp(self, device: str) -> stamps.Stamp | None:
        """The cheap question; None where SNMP is not spoken. SnmpTimeout as DeviceUnreachable."""
        ...

    def look(
        self, tenant: str, device: str, about: frozenset[About]
    ) -> Awaitable[onboarding.Discovered]:
        """A look at that much of a device, written."""
        ...


@dataclass(slots=True)
class _Seen:
    """What the cheap question was answered before the last whole look, and when that was.

    ``last`` is what it was answered last, whatever became of the look: also before an outage.
    """

    stamp: stamps.Stamp | None = None
    at: float = float("-inf")
    last: stamps.Stamp | None = None


class Rounds:
    """The role. ``hint`` is for whoever hears that a device may have changed.

    ``reconfigured`` hears of a device whose cheap answer says that its configuration did.
    """

    def __init__(
        self,
        rows: store.Store,
        looks: Looks,
        time: clock.Clock,
        due: turns.Due,
        pace: Pace,
        reconfigured: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._looks = looks
        self._time = time
        self._whole = pace.whole
        self._reconfigured = reconfigured
        # A slow device is asked half as often, and not at once when a poll saw more than its look.
        troubles = {**dict.fromkeys(_TROUBLES, _EVER_LESS), "cut_short": 1}
        work = turns.Work("inventory.rounds", self._look, _managed, _Seen, troubles)
        self._turns = turns.Turns(rows, work, time, due, pace)
        self._hints: dict[str, set[About]] = {}
        self.run = self._turns.run
        self.counters = self._turns.counters
        self.seconds = self._turns.seconds
        self.oldest = self._turns.oldest
        self.overdue = self._turns.overdue

    def hint(self, device: str, about: About = About.WHOLE) -> None:
        """That much of it may have changed: look as soon as the least gap allows."""
        if self._turns.hint(device):
            self._hints.setdefault(device, set()).add(about)

    async def _look(self, turn: turns.Turn[_Seen]) -> str:
        """One job; what became of it, as a counter's name."""
        seen = turn.memory
        if turn.wanted:  # a poll saw a port that no look has
            seen.stamp = None
        try:
            stamp = await self._stamp(turn.device)
        except errors.DeviceUnreachable:
            # Its other ways are tried once, for the reason; after that it is asked cheaply.
            if turn.failures:
                return "unanswered"
            stamp = None
        if turn.wanted and stamp:
            # Its ports first, and what places them: whoever doubts one need not wait for the rest.
            await self._looks.look(turn.tenant, turn.device, _PLACES)
        if seen.last and stamp and stamps.reconfigured(seen.last, stamp):
            self._reconfigured(turn.device)
        seen.last = stamp or seen.last
        began = self._time.monotonic()
        about = self._about(seen, stamp, self._hints.pop(turn.device, set()), began)
        if not about:
            return "unchanged"
        seen.stamp = None  # nothing tells that what is not read and written now did not change
        found = await self._looks.look(turn.tenant, turn.device, about)
        if found.reason and not found.interfaces:
            return _trouble(found)
        if not found.complete:
            return "cut_short"
        # Of before the look: what changed while it ran is seen by the next question.
        seen.stamp = stamp
        if About.WHOLE not in about:
            return "partial"
        seen.at = began
        return "whole"

    async def _stamp(self, device: str) -> stamps.Stamp | None:
        told = await self._looks.stamp(device)
        return told and dataclasses.replace(told, at=self._time.monotonic())

    def _about(
        self, seen: _Seen, stamp: stamps.Stamp | None, hints: set[About], now: float
    ) -> frozenset[About]:
        """What is to be looked at. Pure but for the pace."""
        if seen.stamp is None or stamp is None or now - seen.at >= self._whole:
            return frozenset({About.WHOLE})
        if hints and not stamp.tells and not stamps.restarted(seen.stamp, stamp):
            return frozenset(hints)  # nothing else tells of it; in its turn it is read whole
        return stamps.moved(seen.stamp, stamp) | hints


def _trouble(found: onboarding.Discovered) -> str:
    if found.refused:
        return "refused"
    return "unanswered" if found.silent else "unread"


def _managed(connection: sa.Connection) -> dict[str, turns.Member]:
    """(tenant, does a poll ask for a look) by device."""
    d, s = tables.devices, tables.sightings
    query = (
        sa.select(d.c.name, d.c.tenant, s.c.stirred_at)
        .select_from(d.outerjoin(s, s.c.device == d.c.name))
        .where(history.current(d), d.c.managed)
    )
    rows = connection.execute(query)
    return {name: turns.Member(tenant, at is not None) for name, tenant, at in rows}
