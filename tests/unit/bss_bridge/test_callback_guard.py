"""A callback is judged when it is called, by what its name means then: the name server is hostile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bss_bridge.events import callbacks, delivery, hub_listener, listeners, outside
from oss_agent import errors
from oss_agent.spi import events, views
from oss_agent.spi.events import Delivery, EventKind
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

Rows = list[tuple[Any, ...]]


class NameServer:
    """Answers with the next of its addresses; remembers how often it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> Rows:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answer]


Serve = Callable[[NameServer], NameServer]


@pytest.fixture
async def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    def install(server: NameServer) -> NameServer:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", server.getaddrinfo)
        return server

    return install


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"], ["0.0.0.0"], ["100.64.0.1"]],  # noqa: S104  an address to refuse
)
async def test_a_name_is_judged_by_every_address_it_has(serve: Serve, addresses: list[str]) -> None:
    serve(NameServer(addresses))
    with pytest.raises(errors.OrderRejected, match="not public"):
        await callbacks.resolve("http://rebind.example.net/", callbacks.Policy())


async def test_a_name_that_was_public_when_it_was_registered_is_judged_again(serve: Serve) -> None:
    server = serve(NameServer(["8.8.8.8"], ["127.0.0.1"]))
    await callbacks.resolve("http://rebind.example.net:8080/", callbacks.Policy())
    attempt = await told("http://rebind.example.net:8080/")
    assert attempt.delivery is Delivery.PARKED
    assert "not public" in attempt.reason
    assert server.asked == ["rebind.example.net"] * 2


async def test_the_connection_goes_to_the_judged_address_by_one_look_up(serve: Serve) -> None:
    """The second answer of the name server is another; nobody asks for it."""
    heard: list[str] = []
    server = await asyncio.start_server(_hear(heard), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    names = serve(NameServer(["127.0.0.1"], ["127.0.0.99"]))
    async with server:
        attempt = await told(f"http://inside.example.net:{port}/", "127.0.0.1")
    assert attempt.delivery is Delivery.DONE
    assert names.asked == ["inside.example.net"]
    assert f"Host: inside.example.net:{port}" in heard


async def test_a_redirect_leads_nowhere(serve: Serve) -> None:
    serve(NameServer(["127.0.0.1"]))
    heard: list[str] = []
    inner = await asyncio.start_server(_hear(heard), "127.0.0.1", 0)
    where = inner.sockets[0].getsockname()[1]
    moved = f"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{where}/\r\nContent-Length: 0\r\n\r\n"
    outer = await asyncio.start_server(_hear([], moved), "127.0.0.1", 0)
    port = outer.sockets[0].getsockname()[1]
    async with inner, outer:
        attempt = await told(f"http://127.0.0.1:{port}/", "127.0.0.1")
    assert attempt.delivery is Delivery.PARKED
    assert heard == []


async def test_a_silent_name_server_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: Any, **__: Any) -> Rows:
        await asyncio.sleep(3600)
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    monkeypatch.setattr(callbacks, "_LOOK_UP", 0.01)
    attempt = await told("http://slow.example.net/")
    assert attempt.delivery is Delivery.RETRY
    assert "does not resolve" in attempt.reason


async def test_an_address_asks_no_name_server(serve: Serve) -> None:
    server = serve(NameServer(["8.8.8.8"]))
    for spelled in ("http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[::1]/"):
        with pytest.raises(errors.OrderRejected, match="not public"):
            await callbacks.resolve(spelled, callbacks.Policy())
    assert server.asked == []


async def told(callback: str, *allowed: str) -> events.Attempt:
    """One event, delivered to this callback."""
    row = listeners.Listener("l", "default", "/tmf-api/serviceOrdering/v4", callback, "")
    order = views.as_json(world.finished_order())
    happened = events.Event(
        "e-1", EventKind.SERVICE_ORDER_STATE, "default", "serviceOrder:17", world.NOW, order
    )
    policy = callbacks.Policy.of(allowed)
    async with delivery.client() as http:
        beside = outside.Outside(http, world.StillClock(), world.LINKS, policy)
        return await hub_listener.HubListener(row, beside).deliver(happened)


def _hear(
    heard: list[str], answer: str = "HTTP/1.1 204 X\r\n\r\n"
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n"))
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    return serve
