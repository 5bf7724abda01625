"""One login per port for all channels, and what happens when there is no room on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import asyncssh
import pytest
from asyncssh import constants

from drivers import links
from oss_agent.errors import DeviceRefused, DeviceUnreachable
from oss_agent.spi.device import Credential, Endpoint

pytestmark = pytest.mark.anyio


class Server:
    """An SSH server with room for so many sessions on a connection, as OpenSSH's MaxSessions."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.asked, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()

    def accept(self) -> asyncssh.SSHServer:
        return Door(self)

    async def run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.command == "refuse":
            process.channel.abort()
        await process.stdin.read()


class Door(asyncssh.SSHServer):
    """Lets everybody in and counts the channels of its connection."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.server.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ops", "secret")

    async def _room(self) -> asyncssh.SSHServerProcess[bytes]:
        self.server.asked.set()
        await self.server.free.wait()
        self.sessions += 1
        if self.sessions > self.server.room:
            raise asyncssh.ChannelOpenError(constants.OPEN_CONNECT_FAILED, "open failed")
        return asyncssh.SSHServerProcess(self.server.run, None, 3, False)

    def session_requested(self) -> Awaitable[asyncssh.SSHServerProcess[bytes]]:
        return self._room()


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[Endpoint]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    acceptor = await asyncssh.create_server(
        server.accept, "127.0.0.1", 0, server_host_keys=[key], encoding=None
    )
    pinned = key.export_public_key().decode().strip()
    try:
        yield Endpoint("d", "x", "127.0.0.1", Credential("ops", "secret"), (pinned,), _at(acceptor))
    finally:
        acceptor.close()
        await acceptor.wait_closed()


def _at(acceptor: asyncssh.SSHAcceptor) -> dict[str, int]:
    return {"ssh": acceptor.get_port()}


async def _channel(ways: links.Links, command: str = "wait") -> None:
    await ways.channel(ways.endpoint.ports["ssh"], asyncssh.SSHClientSession[bytes], command)


async def test_channels_share_one_login_also_when_opened_at_once() -> None:
    server = Server(room=20)
    async with listening(server) as endpoint, links.opened(endpoint) as ways:
        assert not ways.alive
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(_channel(ways))
        assert ways.alive

    assert len(server.connections) == 1


async def test_no_room_takes_a_further_link_and_never_endless_ones() -> None:
    server = Server(room=2)
    async with listening(server) as endpoint, links.opened(endpoint) as ways:
        for _ in range(2 * links.MOST):
            await _channel(ways)
        with pytest.raises(DeviceUnreachable, match="no room for another channel"):
            await _channel(ways)

    assert len(server.connections) == links.MOST


async def test_a_lost_link_is_known_and_another_login_replaces_it() -> None:
    server = Server(room=20)
    async with listening(server) as endpoint, links.opened(endpoint) as ways:
        await _channel(ways)
        server.connections[0].abort()
        async with asyncio.timeout(300):
            while ways.alive:  # noqa: ASYNC110 - links tell by a property alone
                await asyncio.sleep(0.01)
        await _channel(ways)
        assert ways.alive

    assert len(server.connections) == 2


async def test_a_link_whose_channel_nobody_waits_for_any_more_takes_no_further_ones() -> None:
    server = Server(room=20)
    async with listening(server) as endpoint, links.opened(endpoint) as ways:
        server.free.clear()
        given_up = asyncio.ensure_future(_channel(ways))
        async with asyncio.timeout(300):
            await server.asked.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        server.free.set()
        await _channel(ways)

    assert len(server.connections) == 2


async def test_an_unpinned_device_is_refused_at_login() -> None:
    async with listening(Server(room=1)) as endpoint:
        stranger = Endpoint("d", "x", "127.0.0.1", Credential("ops", "secret"), (), endpoint.ports)
        async with links.opened(stranger) as ways:
            with pytest.raises(DeviceRefused, match="no host key is pinned"):
                await ways.login(endpoint.ports["ssh"])
