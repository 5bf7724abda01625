"""Requests and replies: matched by id, bounded in time, every rpc-error read."""

from __future__ import annotations

import asyncio
import re

import pytest

from drivers.netconf import document, faults, operations, rpc
from oss_agent.errors import ChangeRejected, DeviceBusy, DeviceRefused
from tests import leaps

pytestmark = pytest.mark.anyio

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


class Wire:
    """What an exchange sends into, and what it hangs up."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = 0

    def send(self, message: bytes) -> None:
        found = re.search(rb'message-id="(\d+)"', message)
        assert found is not None
        self.sent.append(found[1].decode())

    def close(self) -> None:
        self.closed += 1

    def exchange(self, depth: int = rpc.DEPTH) -> rpc.Exchange:
        return rpc.Exchange(self.send, self.close, depth)


def reply(message_id: str, body: str = "<ok/>") -> bytes:
    return f'<rpc-reply message-id="{message_id}" xmlns="{BASE}">{body}</rpc-reply>'.encode()


async def sent(wire: Wire, count: int) -> None:
    async with asyncio.timeout(300):
        while len(wire.sent) < count:  # noqa: ASYNC110 - the wire is a fake without events
            await asyncio.sleep(0)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def read(exchange: rpc.Exchange, within: float = 60) -> asyncio.Task[document.Element]:
    operation = operations.get_config("running")
    return asyncio.ensure_future(exchange.call(operation, within=within, reads=True))


async def test_replies_find_their_requests_in_any_order() -> None:
    wire = Wire()
    exchange = wire.exchange()
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(exchange.call(operations.get_config("running"), within=60))
            for _ in range(3)
        ]
        await sent(wire, 3)
        for message_id in reversed(wire.sent):
            exchange.receive(reply(message_id, f"<data>{message_id}</data>"))

    assert [call.result().get("message-id") for call in calls] == wire.sent


@pytest.mark.parametrize("depth", [1, 4, rpc.DEPTH])
async def test_never_more_in_flight_than_the_depth(depth: int) -> None:
    wire = Wire()
    exchange = wire.exchange(depth)
    async with asyncio.TaskGroup() as group:
        for _ in range(depth + 4):
            group.create_task(exchange.call(operations.get_config("running"), within=60))
        await sent(wire, depth)
        await turns()
        assert len(wire.sent) == depth
        for number in range(depth + 4):
            await sent(wire, number + 1)
            exchange.receive(reply(wire.sent[number]))


async def test_a_timeout_ends_the_exchange_and_everything_in_it() -> None:
    wire = Wire()
    exchange = wire.exchange()

    with pytest.raises(rpc.NoAnswer, match="no answer to commit within") as silence:
        await exchange.call(operations.commit(), within=0.01)
    with pytest.raises(rpc.NoAnswer) as after:
        await exchange.call(operations.discard_changes(), within=60)

    assert (silence.value.sent, after.value.sent) == (True, False)
    assert wire.closed == 1
    assert len(wire.sent) == 1


async def test_a_read_without_its_answer_fails_alone_while_others_are_answered() -> None:
    wire = Wire()
    exchange = wire.exchange()
    lost, found = read(exchange, within=20), read(exchange)
    await sent(wire, 2)
    exchange.receive(reply("2"))
    leaps.leap(30)

    with pytest.raises(rpc.NoAnswer, match="no answer to get-config within"):
        await lost
    assert document.child(await found, "ok") is not None
    assert exchange.ended is None

    exchange.receive(reply("1"))
    later = read(exchange)
    await sent(wire, 3)
    exchange.receive(reply("3"))
    await later

    assert exchange.counters() == {"late": 1}


async def test_a_read_that_nothing_answers_ends_the_exchange() -> None:
    wire = Wire()
    exchange = wire.exchange()
    silent, other = read(exchange, within=20), read(exchange)
    await sent(wire, 2)
    leaps.leap(30)

    for one in (silent, other):
        with pytest.raises(rpc.NoAnswer, match="no answer to get-config within"):
            await one
    assert wire.closed == 1


async def test_a_device_never_has_more_to_do_because_somebody_left() -> None:
    wire = Wire()
    exchange = wire.exchange(depth=1)
    gone = read(exchange)
    await sent(wire, 1)
    gone.cancel()
    waits = read(exchange)
    await turns()

    assert wire.sent == ["1"], "the first is still being answered"
    exchange.receive(reply("1"))
    await sent(wire, 2)
    exchange.receive(reply("2"))
    await waits
    assert exchange.counters() == {"late": 1}


async def test_who_waits_for_a_place_in_silence_ends_the_exchange() -> None:
    wire = Wire()
    exchange = wire.exchange(depth=1)
    gone = read(exchange)
    await sent(wire, 1)
    gone.cancel()
    waiting = [read(exchange, within=20) for _ in range(2)]
    await turns()
    leaps.leap(30)

    for one in waiting:
        with pytest.raises(rpc.NoAnswer, match="1 requests are unanswered") as silence:
            await one
        assert not silence.value.sent
    assert (wire.sent, wire.closed) == (["1"], 1)


async def test_who_answers_nothing_that_was_asked_is_not_listened_to_for_ever() -> None:
    wire = Wire()
    exchange = wire.exchange()
    waiting = read(exchange)
    await sent(wire, 1)

    for number in range(101):
        exchange.receive(reply(str(number + 2)))

    with pytest.raises(rpc.NoAnswer, match="more than 100 answers to nothing"):
        await waiting
    assert wire.closed == 1


async def test_late_and_unknown_replies_are_counted_and_dropped() -> None:
    wire = Wire()
    exchange = wire.exchange()
    gone = read(exchange)
    await sent(wire, 1)
    gone.cancel()
    await turns()

    exchange.receive(reply("1"))
    exchange.receive(reply("99"))
    exchange.receive(reply("x"))
    exchange.receive(b"<rpc-reply/>")
    exchange.receive(b"<notification/>")
    exchange.receive(reply("9" * 5000))
    exchange.receive(reply("0"))

    assert exchange.counters() == {"late": 1, "unknown": 6}
    assert exchange.ended is None


async def test_a_second_reply_to_the_same_request_is_dropped() -> None:
    wire = Wire()
    exchange = wire.exchange()
    call = asyncio.ensure_future(exchange.call(operations.get_config("running"), within=60))
    await sent(wire, 1)

    exchange.receive(reply("1"))
    exchange.receive(reply("1", "<data/>"))

    assert document.child(await call, "ok") is not None
    assert exchange.counters() == {"duplicate": 1}


async def test_a_hang_up_fails_what_waits() -> None:
    wire = Wire()
    exchange = wire.exchange()
    call = asyncio.ensure_future(exchange.call(operations.commit(), within=60))
    await sent(wire, 1)

    exchange.end("the device hung up")

    with pytest.raises(rpc.NoAnswer, match="hung up") as silence:
        await call
    assert silence.value.sent


@pytest.mark.parametrize("size", [10, 400_000])
async def test_what_is_not_xml_ends_the_exchange(size: int) -> None:
    wire = Wire()
    exchange = wire.exchange()
    call = asyncio.ensure_future(exchange.call(operations.get_config("running"), within=60))
    await sent(wire, 1)

    exchange.receive(b"<" * size)

    with pytest.raises(rpc.NoAnswer, match="not NETCONF"):
        await call


async def test_a_large_reply_is_parsed_beside_the_loop() -> None:
    wire = Wire()
    exchange = wire.exchange()
    call = asyncio.ensure_future(exchange.call(operations.get_config("running"), within=60))
    await sent(wire, 1)

    exchange.receive(reply("1", f"<data>{'<a>1</a>' * 50_000}</data>"))

    assert not call.done()
    assert len((await call)[0]) == 50_000


def errors(*entries: str) -> tuple[faults.RpcError, ...]:
    return faults.errors_of(document.parse(reply("1", "".join(entries))))


def entry(tag: str, severity: str = "error", extra: str = "") -> str:
    return (
        f"<rpc-error><error-type>protocol</error-type><error-tag>{tag}</error-tag>"
        f"<error-severity>{severity}</error-severity>{extra}</rpc-error>"
    )


def test_a_warning_first_does_not_hide_the_error_behind_it() -> None:
    found = errors(entry("partial-operation", "warning"), entry("invalid-value"), "<ok/>")

    assert [e.tag for e in found] == ["invalid-value"]


def test_warnings_alone_are_no_error_and_an_error_in_a_wrong_namespace_is_one() -> None:
    assert errors(entry("operation-failed", "warning"), "<ok/>") == ()
    assert len(errors('<rpc-error xmlns="urn:wrong"/>', "<ok/>")) == 1
    assert len(errors("<rpc-error/>")) == 1


@pytest.mark.parametrize("tag", ["lock-denied", "in-use", "resource-denied"])
def test_busy_tags_say_who_holds_it(tag: str) -> None:
    info = "<error-info><session-id>42</session-id></error-info>"

    error = faults.of("pe1", errors(entry(tag, extra=info)))

    assert isinstance(error, DeviceBusy)
    assert error.holder == "42"
    assert "held by session 42" in error.reason


def test_a_real_refusal_wins_over_busy_and_carries_tag_and_path() -> None:
    path = "<error-path>/services/eline</error-path><error-message>no such port</error-message>"

    error = faults.of("pe1", errors(entry("in-use"), entry("invalid-value", extra=path)))

    assert isinstance(error, ChangeRejected)
    assert (error.tag, error.path) == ("invalid-value", "/services/eline")
    assert "no such port" in error.reason


def test_access_denied_needs_a_person() -> None:
    assert isinstance(faults.of("pe1", errors(entry("access-denied"))), DeviceRefused)


def test_error_texts_are_bounded_and_printable() -> None:
    noise = "<error-message>" + "A\u0085\u200e" * 9999 + "</error-message>"

    error = faults.of("pe1", errors(*[entry("invalid-value", extra=noise)] * 100))

    assert len(error.reason) < 1500
    assert error.reason.isprintable()
