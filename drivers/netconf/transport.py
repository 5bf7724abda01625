"""Decides how NETCONF messages travel over an SSH channel, and opens sessions (RFC 6242 section 3).

The hellos come first, framed for base:1.0; what both sides speak then decides the framing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncssh
import structlog

from device_models import model
from drivers import links, text
from drivers.netconf import calls, document, framing, hello, operations, rpc
from oss_agent.errors import DeviceRefused, DeviceUnreachable
from oss_agent.spi import device

_GOODBYE_WITHIN = 2.0  # seconds; a courtesy, not worth more


class Channel(asyncssh.SSHClientSession[bytes]):
    """The ``netconf`` subsystem of one SSH connection, cut into messages.

    The first message is the server's: ``hello`` has it, or the reason why none will come. All later
    ones go to the exchange that ``start`` makes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.hello: asyncio.Future[bytes | str] = asyncio.get_running_loop().create_future()
        self._greeting = framing.EndOfMessageDecoder(limit)
        self._decoder: framing.Decoder | None = None
        self._frame: Callable[[bytes], bytes] = framing.end_of_message
        self._exchange: rpc.Exchange | None = None
        self._ended: str | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Asyncssh opened the channel."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Asyncssh brings the next piece of the stream; stderr noise is no NETCONF."""
        if datatype is not None or self._ended is not None:
            return
        try:
            self._take(data)
        except framing.FramingError as wrong:
            self._end(f"the device broke the framing: {wrong}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncssh says that the channel is gone."""
        self._end(f"the connection ended: {text.line(str(exc))}" if exc else "the device hung up")

    def send(self, message: bytes) -> None:
        """Frame and send one message; one that cannot be sent ends the channel as a hang-up does."""
        if self._channel is None or self._ended is not None:
            return
        try:
            self._channel.write(self._frame(message))
        except OSError:  # asyncssh knows that the device has closed it before it tells us
            self._end("the device hung up")

    def start(self, *, chunked: bool, depth: int) -> rpc.Exchange:
        """The hellos are through: from here on messages are an exchange of requests."""
        self._exchange = rpc.Exchange(self.send, self.close, depth)
        if chunked:
            self._frame = framing.chunked
        decoder = framing.ChunkedDecoder if chunked else framing.EndOfMessageDecoder
        self._decoder = decoder(self._limit)
        if self._ended is not None:
            self._exchange.end(self._ended)
        self.data_received(self._greeting.rest(), None)
        return self._exchange

    def close(self) -> None:
        """Hang up. Safe twice."""
        if self._channel is not None:
            self._channel.abort()

    def _take(self, data: bytes) -> None:
        if self._decoder is None or self._exchange is None:
            self._greet(data)
            return
        self._decoder.feed(data)
        while (message := self._decoder.take()) is not None:
            self._exchange.receive(message)

    def _greet(self, data: bytes) -> None:
        self._greeting.feed(data)
        if not self.hello.done():
            message = self._greeting.take()
            if message is not None:
                self.hello.set_result(message)

    def _end(self, reason: str) -> None:
        if self._ended is not None:
            return
        self._ended = reason
        if not self.hello.done():
            self.hello.set_result(reason)
        if self._exchange is not None:
            self._exchange.end(reason)
        self.close()


def port(endpoint: device.Endpoint, platform: model.Platform) -> int:
    """Where NETCONF is spoken. DeviceRefused when nobody knows."""
    known = platform.port("netconf", endpoint.ports)
    if known is None:
        raise DeviceRefused(endpoint.device, "no NETCONF port is known: give the endpoint one")
    return known


@asynccontextmanager
async def session(
    ways: links.Links, platform: model.Platform
) -> AsyncIterator[tuple[hello.Hello, rpc.Exchange]]:
    """Open a channel, exchange hellos; say goodbye and hang up on exit, the link stays.

    DeviceRefused or DeviceUnreachable, with the reason.
    """
    device_name = ways.endpoint.device
    try:
        greeted, exchange = await _greet(ways, port(ways.endpoint, platform), platform.netconf)
    except (_NoHello, rpc.NoAnswer, document.Unreadable, asyncssh.Error) as failure:
        raise DeviceUnreachable(device_name, f"no NETCONF there: {failure}") from failure
    try:
        yield greeted, exchange
    finally:
        await _part(exchange)
        if exchange.counters():
            log = structlog.get_logger("drivers.netconf")
            log.warning("replies dropped", device=device_name, **exchange.counters())


class _NoHello(Exception):
    """The server's hello did not come."""


async def _greet(
    ways: links.Links, at: int, netconf: model.Netconf
) -> tuple[hello.Hello, rpc.Exchange]:
    await ways.login(at)  # its time is its own
    channel = Channel(netconf.message_limit)
    try:
        async with asyncio.timeout(netconf.hello_within):
            await ways.channel(at, lambda: channel, subsystem="netconf")
            channel.send(hello.ours())
            greeted = _read_hello(await channel.hello)
    except TimeoutError:
        channel.close()
        raise _NoHello(f"no hello within {netconf.hello_within:g} s") from None
    except BaseException:
        channel.close()
        raise
    exchange = channel.start(chunked=greeted.chunked, depth=netconf.pipeline)
    try:
        if netconf.knocks:
            await exchange.knock(operations.nothing, within=netconf.rpc_within)
    except BaseException:  # who waits for us may be less patient: nothing of it may stay open
        channel.close()
        raise
    return greeted, exchange


def _read_hello(first: bytes | str) -> hello.Hello:
    if isinstance(first, str):
        raise _NoHello(first)
    return hello.read(first)


async def _part(exchange: rpc.Exchange) -> None:
    """Say goodbye; where nothing was asked it is the first request, on which a server may sit."""
    if exchange.answered:
        await say_goodbye(exchange)
        return
    with contextlib.suppress(rpc.NoAnswer):
        await exchange.knock(operations.close_session, within=_GOODBYE_WITHIN)
    exchange.end("the session is closed")


async def say_goodbye(exchange: calls.Exchange) -> None:
    """End a session politely, then for good."""
    # Without it locks are freed whenever the server notices, and the next session finds them held.
    with contextlib.suppress(rpc.NoAnswer):
        await exchange.call(operations.close_session(), within=_GOODBYE_WITHIN)
    exchange.end("the session is closed")
