"""The trap receiver: every datagram ends in exactly one counter, and nobody starves the others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from drivers.snmp import ber, message, policer, receiver, rtt
from oss_agent.spi import clock, snmp

_LINK_DOWN: snmp.Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)


class Clock:
    """Stands still unless moved."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def boot(self) -> clock.BootTime:
        return clock.BootTime("test", self.seconds)


def trap(uptime: int, *binds: tuple[snmp.Oid, bytes], pdu: int = message.TRAP) -> bytes:
    head = [
        ((1, 3, 6, 1, 2, 1, 1, 3, 0), ber.wrap(ber.TIME_TICKS, bytes([uptime]))),
        (
            (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0),
            ber.wrap(ber.OBJECT_IDENTIFIER, ber.of_oid(_LINK_DOWN)),
        ),
    ]
    pairs = b"".join(
        ber.wrap(ber.SEQUENCE, ber.wrap(ber.OBJECT_IDENTIFIER, ber.of_oid(oid)) + value)
        for oid, value in (*head, *binds)
    )
    body = b"".join(map(ber.of_integer, (1, 0, 0))) + ber.wrap(ber.SEQUENCE, pairs)
    head_ = ber.of_integer(1) + ber.wrap(ber.OCTET_STRING, b"public")
    return ber.wrap(ber.SEQUENCE, head_ + ber.wrap(pdu, body))


@contextmanager
def sender(port: int, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((source, 0))
        made.connect(("127.0.0.1", port))
        yield made


async def _received(got: receiver.TrapReceiver, total: int) -> None:
    async with asyncio.timeout(300):
        while got.counters().get("traps_received", 0) < total:  # noqa: ASYNC110  a kernel queue
            await asyncio.sleep(0.005)


async def _first_batch(got: receiver.TrapReceiver) -> Sequence[snmp.Trap]:
    async with asyncio.timeout(300):
        async for batch in got.batches():
            return batch
    raise AssertionError


def test_traps_come_in_batches_as_they_were_sent() -> None:
    async def story() -> Sequence[snmp.Trap]:
        with receiver.listening("127.0.0.1", 0, Clock()) as got, sender(got.port) as to:
            for uptime in range(3):
                to.send(trap(uptime, ((1, 3, 6, 7), ber.of_integer(uptime))))
            await _received(got, 3)
            return await _first_batch(got)

    batch = asyncio.run(story())
    assert [(t.uptime, t.oid, t.varbinds) for t in batch] == [
        (n, _LINK_DOWN, (((1, 3, 6, 7), n),)) for n in range(3)
    ]
    assert (batch[0].source, batch[0].community) == ("127.0.0.1", b"public")


def test_every_datagram_ends_in_one_counter() -> None:
    bad = [b"", b"\x30", trap(1)[:-1], trap(1, pdu=message.INFORM), b"\x30\x03\x02\x01\x00"]

    async def story() -> dict[str, int]:
        limits = receiver.TrapLimits(queue=2, rate=1.0, burst=9)
        with (
            receiver.listening("127.0.0.1", 0, Clock(), limits=limits) as got,
            sender(got.port) as to,
        ):
            for data in [*bad, *[trap(1)] * 6]:
                to.send(data)
            await _received(got, 11)
            return dict(got.counters())

    counters = asyncio.run(story())
    assert counters["traps_queued"] == counters["traps_waiting"] == 2
    assert counters["traps_dropped_queue"] == 2
    assert counters["traps_dropped_rate"] == 2
    assert counters["traps_dropped_inform"] == counters["traps_dropped_version"] == 1
    dropped = sum(n for name, n in counters.items() if name.startswith("traps_dropped_"))
    assert counters["traps_received"] == counters["traps_queued"] + dropped == 11


def test_a_looping_source_does_not_starve_another() -> None:
    async def story() -> Sequence[snmp.Trap]:
        limits = receiver.TrapLimits(rate=1.0, burst=5)
        with (
            receiver.listening("127.0.0.1", 0, Clock(), limits=limits) as got,
            sender(got.port, "127.0.0.2") as loud,
            sender(got.port, "127.0.0.3") as quiet,
        ):
            for _ in range(50):
                loud.send(trap(1))
            quiet.send(trap(2))
            await _received(got, 51)
            return await _first_batch(got)

    batch = asyncio.run(story())
    assert [t.source for t in batch] == ["127.0.0.2"] * 5 + ["127.0.0.3"]


def test_the_receive_buffer_is_read_back() -> None:
    async def story() -> int:
        limits = receiver.TrapLimits(receive_buffer=65_536)
        with receiver.listening("127.0.0.1", 0, Clock(), limits=limits) as got:
            return got.counters()["traps_buffer"]

    assert asyncio.run(story()) >= 65_536


@given(st.lists(st.floats(0, 2), max_size=60), st.integers(1, 5))
def test_a_bucket_admits_its_burst_and_then_its_rate(pauses: list[float], burst: int) -> None:
    doorman = policer.Policer(rate=2.0, burst=burst, sources=2)
    now, admitted = 0.0, 0
    for pause in pauses:
        now += pause
        admitted += doorman.admits("a", now)

    assert admitted <= burst + 2.0 * now + 1e-6
    assert admitted >= min(len(pauses), burst)


@given(st.lists(st.text(max_size=3), max_size=50))
def test_spoofed_sources_do_not_grow_the_table(sources: list[str]) -> None:
    doorman = policer.Policer(rate=1.0, burst=1, sources=4)
    for source in sources:
        doorman.admits(source, 0.0)

    assert len(doorman) <= 4


@given(st.lists(st.floats(0.0001, 10), max_size=20), st.integers(0, 5))
def test_the_wait_stays_within_its_bounds(samples: list[float], attempt: int) -> None:
    trip = rtt.RoundTrip()
    for sample in samples:
        trip = trip.measured(sample)

    assert 0.25 <= trip.wait(attempt, first=1.0, floor=0.25, ceiling=4.0) <= 4.0
