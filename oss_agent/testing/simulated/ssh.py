"""Decides who gets in by SSH and what is served there: the netconf subsystem, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import asyncssh

Process: TypeAlias = "asyncssh.SSHServerProcess[bytes]"
Serve: TypeAlias = Callable[[Process], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Login:
    """Who may log in: by password, or by one of ``authorized_keys`` (OpenSSH public keys)."""

    username: str = "admin"
    password: str = field(default="admin", repr=False)
    authorized_keys: tuple[str, ...] = ()


class Server:
    """A listening SSH server and its connections."""

    def __init__(self, login: Login, attempts: list[str]) -> None:
        self._login = login
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.attempts = attempts
        self.connections: set[asyncssh.SSHServerConnection] = set()

    async def listen(self, address: str, port: int, key: asyncssh.SSHKey, serve: Serve) -> int:
        """Listen; the port it got."""
        self._acceptor = await asyncssh.listen(
            address,
            port,
            server_factory=lambda: _Gate(self, self._login),
            server_host_keys=[key],
            process_factory=serve,
            encoding=None,
            line_editor=False,
            reuse_address=True,
        )
        return int(self._acceptor.get_port())

    def abort_all(self) -> list[asyncssh.SSHServerConnection]:
        """Abort every connection; those that were there."""
        connections = list(self.connections)
        for connection in connections:
            connection.abort()
        return connections

    async def cut_all(self) -> None:
        """Abort every connection and wait until the last has noticed."""
        for connection in self.abort_all():
            await connection.wait_closed()

    async def close(self) -> None:
        """Stop listening and cut what is left."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        await self.cut_all()
        # Sessions end in tasks of their connection: give them their turn.
        await asyncio.sleep(0)


class _Gate(asyncssh.SSHServer):
    """Authentication of one connection."""

    def __init__(self, server: Server, login: Login) -> None:
        self._server = server
        self._login = login
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._server.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        self._server.attempts.append(username)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._login.username, self._login.password)

    def public_key_auth_supported(self) -> bool:
        return bool(self._login.authorized_keys)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = (asyncssh.import_public_key(text) for text in self._login.authorized_keys)
        return username == self._login.username and any(key == one for one in known)
