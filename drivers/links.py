"""Decides which SSH connection to a device carries a channel: one per port, shared while it has room.

A login costs more than a change, so all NETCONF and command channels of one ``spi`` Connection that
go to the same port with the same login ride on one link. A server that has no room for another
channel (OpenSSH's MaxSessions) gets a further link, up to ``MOST``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar, cast

import asyncssh
from asyncssh import constants

from drivers import ssh
from oss_agent.errors import DeviceUnreachable
from oss_agent.spi import device

S = TypeVar("S", bound=asyncssh.SSHClientSession[bytes])

MOST = 4
"""Links to one port; a device that has no room on so many has another trouble."""
_NO_ROOM = frozenset(
    {
        constants.OPEN_ADMINISTRATIVELY_PROHIBITED,
        constants.OPEN_CONNECT_FAILED,
        constants.OPEN_RESOURCE_SHORTAGE,
    }
)


@asynccontextmanager
async def opened(endpoint: device.Endpoint) -> AsyncIterator[Links]:
    """The links to one device, none yet; all are closed on exit."""
    async with AsyncExitStack() as stack:
        yield Links(endpoint, stack)


class Links:
    """The SSH connections to one device; open channels on them, never close them yourself."""

    def __init__(self, endpoint: device.Endpoint, stack: AsyncExitStack) -> None:
        self.endpoint = endpoint
        self._stack = stack
        self._links: dict[int, list[asyncssh.SSHClientConnection]] = {}
        self._logging_in = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """Whether a channel can be opened without another login."""
        return any(not link.is_closed() for links in self._links.values() for link in links)

    async def login(self, port: int) -> None:
        """Be logged in at ``port``. DeviceRefused or DeviceUnreachable."""
        await self._link(port, full=())

    async def channel(
        self,
        port: int,
        factory: Callable[[], S],
        command: str | None = None,
        *,
        subsystem: str | None = None,
        term_type: str | None = None,
    ) -> tuple[asyncssh.SSHClientChannel[bytes], S]:
        """Open a channel for a command, a subsystem or a shell; the caller closes it.

        DeviceRefused or DeviceUnreachable from a login, asyncssh.Error when the server would not
        start what was asked for.
        """
        full: list[asyncssh.SSHClientConnection] = []
        while True:
            link = await self._link(port, full)
            try:
                channel, session = await link.create_session(
                    factory, command, subsystem=subsystem, term_type=term_type, encoding=None
                )
            except asyncssh.ChannelOpenError as refusal:
                if refusal.code not in _NO_ROOM:
                    raise
                full.append(link)
            except asyncio.CancelledError:
                # Its channel may still open, and nobody would know to close it.
                self._links[port] = [one for one in self._links[port] if one is not link]
                raise
            else:
                return channel, cast("S", session)

    async def _link(
        self, port: int, full: list[asyncssh.SSHClientConnection] | tuple[()]
    ) -> asyncssh.SSHClientConnection:
        """A link to ``port`` that is none of ``full``."""
        async with self._logging_in:
            links = [link for link in self._links.get(port, []) if not link.is_closed()]
            self._links[port] = links
            room = next((link for link in links if link not in full), None)
            if room is not None:
                return room
            if len(full) >= MOST:
                reason = f"no room for another channel on {len(full)} connections to port {port}"
                raise DeviceUnreachable(self.endpoint.device, reason)
            link = await self._stack.enter_async_context(ssh.connection(self.endpoint, port))
            links.append(link)
            return link
