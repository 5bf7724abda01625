"""Decides how agents are asked: shared sockets, retries, deadlines, one request per device.

Implements spi.snmp.SnmpEngine. What to ask and what an answer means is walk.py's; this module
only waits, repeats and counts. A poll that began and then fell silent ends partial: what it has
is true, and the caller knows that it is not all.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from drivers.snmp import ber, channel, layout, message, receiver, rtt, sockets, walk
from oss_agent.spi import clock, snmp

_OIDS_PER_GET: Final = 20
_LAYOUTS_PER_AGENT: Final = 64
_AGENTS: Final = 20_000
"""Twice the devices that one daemon is made for. Of one that is forgotten its round trip and layouts are
learned anew, which costs a poll."""
_BIG: Final = 1_000
"""Rows."""
_ANY: Final = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104  a client's own end


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient and how greedy the engine is; seconds, octets, counts."""

    sockets: int = 4
    """isolation and kernel buffer: devices are spread over them by name"""
    receive_buffer: int = 4 * 1024 * 1024
    in_flight: int = 256
    """requests in flight over all; the granted receive buffers may allow less"""
    repetitions: int = 2
    """how often a request is sent again, with the same request id"""
    first_wait: float = 1.0
    """before an agent's round trip is known"""
    least_wait: float = 0.25
    most_wait: float = 4.0
    deadline: float = 20.0
    """of one whole poll; then what was read is partial"""
    rows: int = 65_536
    agents: int = _AGENTS
    """remembered between polls: those asked last"""


@dataclass(slots=True)
class _Agent:
    """What is remembered of a device between polls."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """who has its turn or waits for it: such an agent is not forgotten"""
    memory: walk.Memory = field(default_factory=walk.Memory)
    round_trip: rtt.RoundTrip = field(default_factory=rtt.RoundTrip)
    layouts: dict[walk.Question, layout.Layout] = field(
        default_factory=dict[walk.Question, layout.Layout]
    )


class Engine:
    """Polls over shared sockets and traps of its receivers. Made by ``running``."""

    def __init__(
        self, time: clock.Clock, limits: Limits, traps: receiver.TrapReceiver | None
    ) -> None:
        self._time = time
        self._limits = limits
        self._traps = traps
        self._counters: Counter[str] = Counter()
        self._agents: dict[str, _Agent] = {}
        self._channels: dict[tuple[socket.AddressFamily, int], channel.Channel] = {}
        self._in_flight = asyncio.Semaphore(limits.in_flight)

    def close(self) -> None:
        """Close the sockets; requests in flight run into their time limits."""
        for each in self._channels.values():
            each.close()
        self._channels.clear()

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        """GET in pieces, values in the order asked; None where the agent has none."""
        names = [ber.of_oid(oid) for oid in oids]
        found: dict[bytes, snmp.Value] = {}
        async with self._turn(target) as agent, self._deadline(target):
            for at in range(0, len(names), _OIDS_PER_GET):
                found |= await self._get(agent, target, names[at : at + _OIDS_PER_GET])
        return tuple(found.get(name) for name in names)

    async def _get(
        self, agent: _Agent, target: snmp.Target, names: Sequence[bytes]
    ) -> dict[bytes, snmp.Value]:
        community = target.community.encode()
        answer = await self._ask(agent, target, lambda i: message.get(community, i, names))
        if answer.error_status == message.TOO_BIG and len(names) > 1:
            half = len(names) // 2
            first = await self._get(agent, target, names[:half])
            return first | await self._get(agent, target, names[half:])
        return dict(zip(answer.oids, answer.values, strict=True))

    async def poll(self, target: snmp.Target, plan: snmp.PollPlan) -> snmp.Columns:
        """Walk the plan's columns with packed GETBULKs."""
        async with self._turn(target) as agent:
            going = walk.Walk(plan, agent.memory, max_rows=self._limits.rows)
            started = await self._walk(agent, target, going, plan.deadline)
        index, columns = await _sorted(going)
        return self._columns(target, going, started, index, columns)

    async def _walk(
        self, agent: _Agent, target: snmp.Target, going: walk.Walk, deadline: float | None
    ) -> _Moment:
        """Ask until the walk is over; a silence or the deadline after a first answer ends it."""
        first: _Moment | None = None
        try:
            async with self._deadline(target, deadline):
                while (question := going.question()) is not None:
                    answer = await self._bulk(agent, target, question)
                    first = first or _Moment(self._time)
                    if not going.take(answer):
                        break
        except snmp.SnmpTimeout:
            if going.uptime is None:
                raise
            going.partial = True
        return first or _Moment(self._time)

    async def _bulk(
        self, agent: _Agent, target: snmp.Target, question: walk.Question
    ) -> message.Reply:
        community = target.community.encode()

        def write(request_id: int) -> bytes:
            return message.get_bulk(
                community,
                request_id,
                once=question.once,
                columns=question.columns,
                repetitions=question.rows,
            )

        return await self._ask(agent, target, write, question)

    async def _ask(
        self,
        agent: _Agent,
        target: snmp.Target,
        write: Callable[[int], bytes],
        question: walk.Question | None = None,
    ) -> message.Reply:
        """One request and its answer; repeated with the same request id until somebody answers."""
        family, address = sockets.place(target.address)
        way = self._channel(target, family)
        async with self._in_flight, way.window:
            with way.expect(address, target.port, target.community.encode()) as pending:
                data = write(pending.request_id)
                for attempt in range(self._limits.repetitions + 1):
                    sent = self._time.monotonic()
                    answer = await pending.wait_answer(data, self._wait(agent, attempt))
                    if answer is not None:
                        self._measure(agent, attempt, self._time.monotonic() - sent)
                        return self._read(agent, target, answer, question)
                    self._counters["requests_timed_out"] += 1
        raise snmp.SnmpTimeout(f"{target.device}: no answer from {address} port {target.port}")

    def _wait(self, agent: _Agent, attempt: int) -> float:
        limits = self._limits
        return agent.round_trip.wait(
            attempt, first=limits.first_wait, floor=limits.least_wait, ceiling=limits.most_wait
        )

    def _measure(self, agent: _Agent, attempt: int, seconds: float) -> None:
        if attempt == 0:
            agent.round_trip = agent.round_trip.measured(seconds)

    def _read(
        self, agent: _Agent, target: snmp.Target, data: bytes, question: walk.Question | None
    ) -> message.Reply:
        known = agent.layouts.get(question) if question else None
        answer = known.read(data) if known else None
        if answer is not None:
            self._counters["replies_by_layout"] += 1
            return answer
        try:
            seen = message.scan(data)
        except ber.Malformed as wrong:
            self._counters["replies_malformed"] += 1
            raise snmp.SnmpTimeout(f"{target.device}: malformed answer ({wrong.reason})") from wrong
        answer = message.reply(data, seen)
        self._counters["values_odd"] += answer.odd
        if question is not None:
            _remember(agent, question, layout.learn(data, seen, answer))
        return answer

    def _columns(
        self,
        target: snmp.Target,
        going: walk.Walk,
        first: _Moment,
        index: Sequence[snmp.Oid],
        columns: Mapping[str, Sequence[snmp.Value]],
    ) -> snmp.Columns:
        self._counters["polls_disordered"] += bool(going.disordered)
        self._counters["polls_partial"] += going.partial
        if going.uptime is None:
            raise snmp.SnmpTimeout(f"{target.device}: answers without sysUpTime; is it an agent?")
        if going.restarted:
            raise snmp.SnmpTimeout(f"{target.device}: its agent restarted while it was read")
        return snmp.Columns(
            device=target.device,
            at=first.at,
            monotonic=first.monotonic,
            uptime=going.uptime,
            index=index,
            columns=columns,
            scalars=going.scalars(),
            partial=going.partial,
        )

    @asynccontextmanager
    async def _turn(self, target: snmp.Target) -> AsyncIterator[_Agent]:
        """One request in flight per device: small agents drop what they cannot queue."""
        # Taken out and put back: the dictionary's order is that of the last use.
        agent = self._agents.pop(target.device, None) or _Agent()
        self._agents[target.device] = agent
        agent.users += 1
        self._forget()
        try:
            async with agent.turn:
                yield agent
        finally:
            agent.users -= 1

    def _forget(self) -> None:
        """Those not asked for longest, when there are too many; one that is being asked stays."""
        over = len(self._agents) - self._limits.agents
        if over > 0:
            idle = (name for name, agent in self._agents.items() if not agent.users)
            for name in list(itertools.islice(idle, over)):
                del self._agents[name]

    @asynccontextmanager
    async def _deadline(
        self, target: snmp.Target, seconds: float | None = None
    ) -> AsyncIterator[None]:
        limit = self._limits.deadline if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError as late:
            self._counters["deadlines_missed"] += 1
            raise snmp.SnmpTimeout(f"{target.device}: not done within {limit:g} s") from late

    def _channel(self, target: snmp.Target, family: socket.AddressFamily) -> channel.Channel:
        key = family, zlib.crc32(target.device.encode()) % self._limits.sockets
        if key not in self._channels:
            sock = sockets.udp(_ANY[family], 0, buffer=self._limits.receive_buffer)
            self._channels[key] = channel.Channel(sock, self._counters)
        return self._channels[key]

    async def traps(self) -> AsyncIterator[Sequence[snmp.Trap]]:
        """Batches as they were drained; ends at once when no trap address was given."""
        if self._traps is not None:
            async for batch in self._traps.batches():
                yield batch

    def counters(self) -> Mapping[str, int]:
        """Own counters, those of the trap receiver, and what the kernel lost."""
        traps = self._traps.counters() if self._traps else {}
        waiting = sum(map(len, self._channels.values()))
        lost = sockets.lost_in_kernel()
        now = {
            "requests_in_flight": waiting,
            "kernel_receive_errors": lost,
            "agents_remembered": len(self._agents),
        }
        return {**self._counters, **traps, **now}


async def _sorted(
    going: walk.Walk,
) -> tuple[Sequence[snmp.Oid], Mapping[str, Sequence[snmp.Value]]]:
    """The rows in order; a big table's in a thread, for to sort it would hold up everybody's replies."""
    if going.size < _BIG:
        return going.rows()
    return await asyncio.to_thread(going.rows)


class _Moment:
    """When a poll's first answer came, on both clocks."""

    def __init__(self, time: clock.Clock) -> None:
        self.at = time.now()
        self.monotonic = time.monotonic()


def _remember(agent: _Agent, question: walk.Question, learned: layout.Layout | None) -> None:
    if learned is None:
        agent.layouts.pop(question, None)
        return
    if len(agent.layouts) >= _LAYOUTS_PER_AGENT:
        agent.layouts.clear()  # its tables changed; the ones in use are back after one poll
    agent.layouts[question] = learned


@asynccontextmanager
async def running(
    time: clock.Clock,
    *,
    limits: Limits | None = None,
    traps: receiver.TrapReceiver | None = None,
) -> AsyncIterator[Engine]:
    """An engine for as long as the block lasts; closes its sockets, not ``traps``."""
    engine = Engine(time, limits or Limits(), traps)
    try:
        yield engine
    finally:
        engine.close()
