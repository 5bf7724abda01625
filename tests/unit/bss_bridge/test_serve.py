"""The embedded server: bound first, stopped by word or by cancellation, signals left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from bss_bridge.engine import serve
from bss_bridge.engine.access import Tokens
from oss_agent import errors
from oss_agent.spi import access
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

TOKENS = Tokens.of([("0123456789abcdef", access.Caller("x", "t", ()))])


async def test_it_serves_until_told_to_stop(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with world.world(tmp_path) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, serve.listen(serve.Bind(port=0)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            await role.wait_started()
            async with httpx.AsyncClient(trust_env=False, timeout=300) as http:
                answer = await http.get(f"{role.url}/healthz")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
            role.stop()


async def test_cancellation_closes_the_socket_and_goes_on(tmp_path: Path) -> None:
    listening = serve.listen(serve.Bind(port=0))
    async with world.world(tmp_path) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, listening)
        task = asyncio.create_task(role.run())
        await role.wait_started()
        url = role.url
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert listening.fileno() == -1
        async with httpx.AsyncClient(trust_env=False, timeout=300) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(f"{url}/healthz")


async def test_an_inherited_socket_is_served(tmp_path: Path) -> None:
    parent = socket.create_server(("127.0.0.1", 0))
    bind = serve.Bind(host="ignored", fd=os.dup(parent.fileno()))
    async with world.world(tmp_path) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, serve.listen(bind))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            await role.wait_started()
            async with httpx.AsyncClient(trust_env=False, timeout=300) as http:
                port = parent.getsockname()[1]
                answer = await http.get(f"http://127.0.0.1:{port}/healthz")
            assert answer.status_code == 200
            role.stop()
    parent.close()


async def test_a_body_over_the_limit_is_refused_on_a_real_socket(tmp_path: Path) -> None:
    async with world.world(tmp_path) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, serve.listen(serve.Bind(port=0)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            await role.wait_started()
            host, port = role.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                b"POST /api/v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"
            )
            head = await reader.readuntil(b"\r\n")
            writer.close()
            role.stop()
    assert head == b"HTTP/1.1 413 Content Too Large\r\n" or b" 413 " in head


def test_a_taken_port_is_a_sentence() -> None:
    with serve.listen(serve.Bind(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.ConfigurationError, match=f"port {port}"):
            serve.listen(serve.Bind(port=port))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    serve.check_bind(host, Tokens())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "oss.example.net"])  # noqa: S104  the point
def test_beyond_loopback_needs_one(host: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="token"):
        serve.check_bind(host, Tokens())
    serve.check_bind(host, TOKENS)


def test_a_port_that_is_taken_is_told_once_with_the_way_out() -> None:
    with serve.listen(serve.Bind(port=0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(errors.ConfigurationError) as refused:
            serve.listen(serve.Bind(port=port))

    assert str(refused.value) == (
        f"http: cannot listen on 127.0.0.1 port {port}: Address already in use; stop what listens "
        "there, perhaps another daemon, or choose another http.port or http.bind"
    )
