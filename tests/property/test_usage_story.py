"""Money's law over a life: whoever comes and goes, each record is exactly what its service used.

Ports count all the time; services come, move, are suspended and come back; names are exchanged, the
router restarts, the daemon is killed, and is polled or not. Whatever of it happens in whatever order, a
record that is no gap has exactly the octets that passed while the port was its service's, no two
records of a service overlap, and nothing between the first and the last reading of a stay is left out.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from inventory.facts import facts
from inventory.looks import observed
from oss_agent.assurance import meter, observe, port_table
from oss_agent.spi.views import ServiceState, UsageView
from tests.integration.polled_world import CFS, T0, World, usage_of, world

_CARDS: Final = (1, 2, 3)
_SERVICES: Final = ("svc-1", "svc-2")
_PACE: Final = meter.Pace(timedelta(seconds=60), timedelta(seconds=5))
_PHASES: Final = (Phase.reuse, Phase.generate, Phase.shrink)  # to explain takes minutes
_Span = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """So many seconds later, with so many octets on each port meanwhile, this happens."""

    seconds: int
    octets: tuple[int, int, int]
    what: str
    service: int = 0
    card: int = 1
    both: bool = False
    """the service moves to the next port, too"""


_WHAT: Final = (
    *("poll",) * 6,
    *("move", "move", "astray", "blink", "suspend", "resume", "rename", "exchange"),
    *("restart", "kill", "unpolled", "silent"),
)
_STEPS: Final = st.builds(
    Step,
    st.integers(1, 50),
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.sampled_from(_WHAT),
    st.integers(0, 1),
    st.sampled_from(_CARDS),
    st.booleans(),
)


@dataclass
class Stay:
    """A service on a port without a break, and when the port was read."""

    service: str
    card: int
    read: list[float] = field(default_factory=list[float])


@dataclass
class Life:
    """One router, two services, and what truly passed."""

    w: World
    counting: meter.Meter
    now: float = 0.0
    booted: float = -1_000.0
    counters: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_CARDS, 0))
    names: dict[int, str] = field(default_factory=lambda: {n: f"eth{n}" for n in _CARDS})
    named: list[tuple[float, dict[str, int]]] = field(
        default_factory=list[tuple[float, dict[str, int]]]
    )
    """since when the ports had which names"""
    at: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    """where each service stands"""
    active: set[str] = field(default_factory=set[str])
    stays: list[Stay] = field(default_factory=list[Stay])
    passed: list[tuple[float, str, int, int]] = field(
        default_factory=list[tuple[float, str, int, int]]
    )
    """until when, whose, at which port, how much"""
    lossy: bool = False
    """the router restarted or the daemon was killed: there may be gaps"""

    async def live(self, step: Step) -> None:
        self.now += step.seconds
        for card, octets in zip(_CARDS, step.octets, strict=True):
            self.counters[card] += octets
            owner = next((s for s, on in self.at.items() if card in on and s in self.active), "")
            self.passed.append((self.now, owner, card, octets))
        await getattr(self, f"_{step.what}")(step)

    async def _poll(self, _: Step) -> None:
        ports = tuple(
            port_table.Port(name, card, "up", "up", self.counters[card], 2 * self.counters[card], 0)
            for card, name in self.names.items()
        )
        uptime = int((self.now - self.booted) * 100)
        await self.counting.take(observe.Sight("pe1", ports, self.moment, uptime))
        for service in self.active:
            for card in self.at[service]:
                self._stay(service, card).read.append(self.now)

    async def _move(self, step: Step) -> None:
        await self._go(_SERVICES[step.service], {step.card, *([_next(step.card)] * step.both)})

    async def _astray(self, step: Step) -> None:
        """Elsewhere and back, with no poll in between."""
        service = _SERVICES[step.service]
        back = self.at[service]
        await self._move(step)
        await self.live(Step(step.seconds, step.octets, "nothing"))
        await self._go(service, back)

    async def _nothing(self, _: Step) -> None:
        pass

    async def _go(self, service: str, cards: Collection[int]) -> None:
        others = frozenset().union(*(on for one, on in self.at.items() if one != service))
        before, new = self.at.get(service, frozenset()), service not in self.at
        wanted = frozenset(cards) - others
        if not wanted:
            return
        self.at[service] = wanted
        ports = tuple(("pe1", self.names[card]) for card in sorted(wanted))
        row = replace(CFS, id=service, resources=ports, meters=ports)

        def unit(connection: sa.Connection) -> None:
            self.w.ledger.put_service(connection, row, self.moment)
            if new:
                self._become(connection, service, ServiceState.ACTIVE)

        await self.w.rows.write(unit)
        if new:
            self.active.add(service)
        if service in self.active:
            self.stays += [Stay(service, card) for card in wanted - before]

    async def _suspend(self, step: Step) -> None:
        service = _SERVICES[step.service]
        if service in self.active:
            self.active.remove(service)
            await self.w.rows.write(lambda c: self._become(c, service, ServiceState.INACTIVE))

    async def _resume(self, step: Step) -> None:
        service = _SERVICES[step.service]
        if service in self.at and service not in self.active:
            self.active.add(service)
            self.stays += [Stay(service, card) for card in self.at[service]]
            await self.w.rows.write(lambda c: self._become(c, service, ServiceState.ACTIVE))

    async def _blink(self, step: Step) -> None:
        """Suspended and resumed, with no poll in between."""
        await self._suspend(step)
        await self.live(replace(step, what="resume"))

    async def _rename(self, step: Step) -> None:
        self.names[step.card] = f"wan{step.card}-{int(self.now)}"
        await self.look()

    async def _exchange(self, step: Step) -> None:
        """Two ports exchange their names, and a look proves it."""
        other = _next(step.card)
        self.names[step.card], self.names[other] = self.names[other], self.names[step.card]
        await self.look()

    async def _restart(self, _: Step) -> None:
        self.booted, self.lossy = self.now, True
        self.counters = dict.fromkeys(_CARDS, 0)

    async def _kill(self, _: Step) -> None:
        self.counting, self.lossy = counting(self.w), True

    async def _unpolled(self, _: Step) -> None:
        await self.counting.away((), (), self.moment)

    async def _silent(self, _: Step) -> None:
        await self.counting.away({"pe1"}, {"pe1"}, self.moment)

    async def look(self) -> None:
        self.named.append((self.now, {name: card for card, name in self.names.items()}))
        ports = tuple(
            facts.InterfaceFact(
                name, card, "up", "up", mac=f"02:00:00:00:00:0{card}", place=f"1.{card}"
            )
            for card, name in self.names.items()
        )
        seen = facts.DeviceFacts(
            "pe1", interfaces=ports, uptime=int((self.now - self.booted) * 100)
        )
        at = self.moment
        await self.w.rows.write(lambda c: observed.record(c, seen, at))

    @property
    def moment(self) -> datetime:
        return T0 + timedelta(hours=1, seconds=self.now)

    def _become(self, connection: sa.Connection, service: str, state: ServiceState) -> None:
        self.w.ledger.move_service(connection, service=service, state=state, at=self.moment)

    def _stay(self, service: str, card: int) -> Stay:
        stays = reversed(self.stays)
        return next(one for one in stays if (one.service, one.card) == (service, card))

    def card(self, record: UsageView) -> int:
        """The port that had the meter point's name when the period began."""
        begin, _ = _span(record)
        names = next(names for since, names in reversed(self.named) if since <= begin)
        return names[record.meter_point.removeprefix("pe1:")]

    def used(self, service: str, card: int, span: _Span) -> int:
        begin, end = span
        return sum(
            octets
            for until, whose, where, octets in self.passed
            if (whose, where) == (service, card) and begin < until <= end
        )


def _next(card: int) -> int:
    return card % len(_CARDS) + 1


def counting(w: World) -> meter.Meter:
    return meter.Meter(w.rows, w.ledger, w.sink, _PACE)


def _span(record: UsageView) -> _Span:
    begun = T0 + timedelta(hours=1)
    begin, end = (
        datetime.fromisoformat(str(one)) - begun for one in (record.period_start, record.period_end)
    )
    return begin.total_seconds(), end.total_seconds()


def _is_unread(record: UsageView) -> bool:
    return record.samples[1] == ""


def _joined(spans: Sequence[_Span]) -> list[_Span]:
    found: list[_Span] = []
    for begin, end in sorted(spans):
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def _judge(life: Life, records: Sequence[UsageView]) -> None:
    assert len({record.key for record in records}) == len(records)
    for record in records:
        if record.gap is None:
            used = life.used(record.service, life.card(record), _span(record))
            assert (record.octets_in, record.octets_out) == (used, 2 * used)
    for service, card in itertools.product(_SERVICES, _CARDS):
        mine = [one for one in records if (one.service, life.card(one)) == (service, card)]
        _judge_port(life, mine, service, card)


def _judge_port(life: Life, records: Sequence[UsageView], service: str, card: int) -> None:
    spans = sorted(map(_span, records))
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    read = [stay.read for stay in life.stays if (stay.service, stay.card) == (service, card)]
    wanted = _joined([(seen[0], seen[-1]) for seen in read if len(seen) > 1])
    told = _joined(spans)
    for begin, end in wanted:
        assert any(a <= begin and end <= b for a, b in told), (service, wanted, told)
    if not life.lossy:
        # Of a device that was polled no more, what it counted until the service left is unknown.
        known = [one for one in records if not _is_unread(one)]
        assert _joined(list(map(_span, known))) == wanted
        assert not [one for one in known if one.gap]


async def _story(url: str, steps: Sequence[Step]) -> None:
    async with world(url) as w:
        await w.rows.write(
            lambda c: w.ledger.move_service(
                c, service="svc-1", state=ServiceState.TERMINATED, at=T0
            )
        )
        await w.rows.write(lambda c: w.ledger.retire_service(c, service="svc-1", at=T0))
        life = Life(w, counting(w))
        await life.look()
        for step in steps:
            await life.live(step)
        for service in range(len(_SERVICES)):
            await life.live(Step(1, (0, 0, 0), "suspend", service))
        life.now += 1
        await life.counting.away((), (), life.moment)
        records = [UsageView(**told) for told in usage_of(w.told)]
        event(f"records: {min(len(records), 8)}")
        _judge(life, records)


@settings(max_examples=25, deadline=None, phases=_PHASES)
@given(st.lists(_STEPS, min_size=4, max_size=40))
def test_every_record_is_what_its_service_used(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        begin = [Step(1, (0, 0, 0), "move", 0, 1), Step(1, (0, 0, 0), "move", 1, 2)]
        asyncio.run(_story(f"sqlite:///{Path(folder) / 'oss.db'}", [*begin, *steps]))
