"""The engine against agents that are late, silent, doubled, spoofed or broken, on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from drivers.snmp import ber, engine, message
from oss_agent import clock
from oss_agent.spi import snmp
from tests import leaps

_UPTIME = ber.of_oid((1, 3, 6, 1, 2, 1, 1, 3, 0))
_NAME: snmp.Oid = (1, 3, 6, 1, 2, 1, 1, 5, 0)
_PLAN = snmp.PollPlan({"a": (1, 3, 6, 1, 9, 1)})
_WAIT = 20.0
_PATIENT = engine.Limits(
    first_wait=_WAIT, least_wait=_WAIT, most_wait=_WAIT, deadline=280.0, sockets=2, agents=4
)
"""An answer is never late; where none comes, the wait for it is leapt over."""


def reply(request_id: int, *binds: tuple[bytes, bytes], community: bytes = b"c") -> bytes:
    pairs = b"".join(
        ber.wrap(ber.SEQUENCE, ber.wrap(ber.OBJECT_IDENTIFIER, oid) + v) for oid, v in binds
    )
    numbers = b"".join(map(ber.of_integer, (request_id, 0, 0)))
    body = ber.wrap(message.RESPONSE, numbers + ber.wrap(ber.SEQUENCE, pairs))
    head = ber.of_integer(1) + ber.wrap(ber.OCTET_STRING, community)
    return ber.wrap(ber.SEQUENCE, head + body)


def silence() -> list[bytes]:
    """No answer, and what was asked by now is overdue."""
    leaps.leap(_WAIT)
    return []


def mute(_number: int, _request_id: int) -> list[bytes]:
    """No answer."""
    return []


def table(request_id: int, community: bytes = b"c") -> bytes:
    """SysUpTime, one row, and the end of the view."""
    row = ber.of_oid((1, 3, 6, 1, 9, 1, 7))
    return reply(
        request_id,
        (_UPTIME, ber.wrap(ber.TIME_TICKS, b"\x05")),
        (row, ber.of_integer(3)),
        (row, ber.wrap(ber.END_OF_MIB_VIEW, b"")),
        community=community,
    )


class Agent(asyncio.DatagramProtocol):
    """Answers as ``script`` says: a list of datagrams for the n-th request."""

    def __init__(self, script: Callable[[int, int], Sequence[bytes]]) -> None:
        self.script = script
        self.ids: list[int] = []
        self.asker = ("", 0)
        self.transport: asyncio.DatagramTransport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asker = addr
        request_id = message.envelope(data).request_id
        self.ids.append(request_id)
        for answer in self.script(len(self.ids), request_id):
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def talking(
    script: Callable[[int, int], Sequence[bytes]], address: str = "127.0.0.1"
) -> AsyncIterator[tuple[engine.Engine, snmp.Target, Agent]]:
    loop = asyncio.get_running_loop()
    transport, agent = await loop.create_datagram_endpoint(
        lambda: Agent(script), local_addr=(address, 0)
    )
    agent.transport = transport
    target = snmp.Target("pe1", address, transport.get_extra_info("sockname")[1], "c")
    try:
        async with engine.running(clock.SystemClock(), limits=_PATIENT) as asking:
            yield asking, target, agent
    finally:
        transport.close()


def test_a_lost_answer_is_asked_for_again_with_the_same_id() -> None:
    async def story() -> None:
        async with talking(lambda n, i: [table(i)] if n > 1 else silence()) as (
            asking,
            target,
            agent,
        ):
            columns = await asking.poll(target, _PLAN)

        assert columns.columns["a"] == [3]
        assert (columns.uptime, columns.partial, columns.index) == (5, False, [(7,)])
        assert len(agent.ids) == 2
        assert len(set(agent.ids)) == 1
        assert asking.counters()["requests_timed_out"] == 1

    asyncio.run(story())


def test_silence_is_a_timeout_that_names_the_device() -> None:
    async def story() -> None:
        async with talking(lambda _n, _i: silence()) as (asking, target, agent):
            with pytest.raises(snmp.SnmpTimeout, match="pe1"):
                await asking.get(target, [_NAME])

        assert len(agent.ids) == 3

    asyncio.run(story())


def test_what_is_wrong_is_counted_and_the_right_answer_still_counts() -> None:
    def script(_: int, i: int) -> list[bytes]:
        stranger, spoof = table(i ^ 1), table(i, community=b"guess")
        return [b"garbage", stranger, spoof, table(i)[:-1] + b"", table(i), table(i)]

    async def story() -> None:
        async with talking(script) as (asking, target, _):
            columns = await asking.poll(target, _PLAN)
            async with asyncio.timeout(300):
                while asking.counters()["replies_unexpected"] < 2:  # noqa: ASYNC110  a kernel queue
                    await asyncio.sleep(0.01)

        counters = asking.counters()
        assert columns.columns["a"] == [3]
        assert counters["replies_malformed"] == 2
        assert counters["replies_unexpected"] >= 2
        assert counters["replies_received"] == 1

    asyncio.run(story())


def test_an_answer_from_another_address_is_not_an_answer() -> None:
    async def story() -> None:
        async with talking(lambda _n, _i: []) as (asking, target, agent):
            other, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=("127.0.0.2", 0)
            )

            def spoof(_: int, i: int) -> list[bytes]:
                other.sendto(table(i), agent.asker)
                return silence()

            agent.script = spoof
            with pytest.raises(snmp.SnmpTimeout):
                await asking.poll(target, _PLAN)
            other.close()

        assert asking.counters()["replies_wrong_source"] == 3

    asyncio.run(story())


def test_a_body_that_lies_fails_the_poll_and_nothing_else() -> None:
    def script(_: int, i: int) -> list[bytes]:
        return [reply(i).replace(b"\x30\x00", b"\x30\x7f")]

    async def story() -> None:
        async with talking(script) as (asking, target, _):
            with pytest.raises(snmp.SnmpTimeout, match="malformed"):
                await asking.poll(target, _PLAN)

    asyncio.run(story())


def test_silence_after_a_first_answer_leaves_what_was_read_marked_partial() -> None:
    def script(n: int, i: int) -> list[bytes]:
        rows = [(ber.of_oid((1, 3, 6, 1, 9, 1, r)), ber.of_integer(r)) for r in range(1, 11)]
        return (
            [reply(i, (_UPTIME, ber.wrap(ber.TIME_TICKS, b"\x05")), *rows)] if n == 1 else silence()
        )

    async def story() -> None:
        async with talking(script) as (asking, target, _):
            columns = await asking.poll(target, _PLAN)

        assert columns.partial
        assert columns.columns["a"] == list(range(1, 11))

    asyncio.run(story())


def test_one_request_in_flight_per_device() -> None:
    async def story() -> None:
        async with talking(lambda _n, i: [table(i)]) as (asking, target, agent):
            flying: list[int] = []
            plain = agent.script

            def script(n: int, i: int) -> Sequence[bytes]:
                flying.append(asking.counters()["requests_in_flight"])
                return plain(n, i)

            agent.script = script
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(asking.poll(target, _PLAN))

        assert flying == [1] * 5

    asyncio.run(story())


def test_get_gives_values_in_the_order_asked() -> None:
    def script(_: int, i: int) -> list[bytes]:
        return [reply(i, (_UPTIME, ber.of_integer(2)), (ber.of_oid(_NAME), ber.of_integer(1)))]

    async def story() -> tuple[snmp.Value, ...]:
        async with talking(script) as (asking, target, _):
            return await asking.get(target, [_NAME, ber.oid(_UPTIME), (1, 3, 9)])

    assert asyncio.run(story()) == (1, 2, None)


def test_asks_ipv6_agents() -> None:
    async def story() -> snmp.Columns:
        async with talking(lambda _n, i: [table(i)], "::1") as (asking, target, _):
            return await asking.poll(target, _PLAN)

    try:
        assert asyncio.run(story()).columns["a"] == [3]
    except OSError as missing:
        pytest.skip(f"no IPv6 loopback here: {missing}")


def test_the_engine_forgets_every_request() -> None:
    async def story() -> None:
        async with talking(lambda n, i: [table(i)] if n % 2 else silence()) as (
            asking,
            target,
            agent,
        ):
            for _ in range(3):
                await asking.poll(target, _PLAN)
            agent.script = mute
            asked = len(agent.ids)
            poll = asyncio.create_task(asking.poll(target, _PLAN))
            async with asyncio.timeout(300):
                while len(agent.ids) == asked:  # noqa: ASYNC110  a kernel queue
                    await asyncio.sleep(0.01)
            poll.cancel()
            with pytest.raises(asyncio.CancelledError):
                await poll
            assert asking.counters()["requests_in_flight"] == 0

    asyncio.run(story())


def test_agents_that_nobody_asks_any_more_are_forgotten() -> None:
    async def story() -> None:
        async with talking(lambda _, i: [table(i)]) as (asking, target, _):
            for number in range(2 * _PATIENT.agents):
                await asking.poll(dataclasses.replace(target, device=f"pe{number}"), _PLAN)
                assert asking.counters()["agents_remembered"] <= _PATIENT.agents

    asyncio.run(story())


def test_agents_that_are_being_asked_keep_their_one_turn() -> None:
    async def story() -> None:
        async with talking(lambda n, i: [table(i)] if n > 2 else silence()) as (
            asking,
            target,
            agent,
        ):
            others = [dataclasses.replace(target, device=f"p{n}") for n in range(9)]
            async with asyncio.TaskGroup() as group:
                for one in (target, target, *others, target):
                    group.create_task(asking.poll(one, _PLAN))
                await asyncio.sleep(0)
                assert asking.counters()["agents_remembered"] == 10, "all have their turn"
            await asking.poll(target, _PLAN)
            assert asking.counters()["agents_remembered"] == _PATIENT.agents
            assert len(agent.ids) >= 13

    asyncio.run(story())
