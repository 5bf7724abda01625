"""Decides who gets in by SSH and what is served there: the netconf subsystem, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import asyncssh

from oss_agent.spi import device as spi

Process: TypeAlias = "asyncssh.SSHServerProcess[bytes]"
Serve: TypeAlias = Callable[[Process], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Login:
    """Who may log in: by password, or by one of ``authorized_keys`` (OpenSSH public keys)."""

    username: str = "admin"
    password: str = field(default="admin", repr=False)
    authorized_keys: tuple[str, ...] = ()


class Server:
    """Where a simulated device is reached: its own key, its place, its connections.

    It may listen, be closed and listen again, on the port it got; ``attempts`` are the user names
    that began to authenticate in all.
    """

    def __init__(self, login: Login, address: str, port: int) -> None:
        self.login = login
        self.address = address
        self.port = port
        self.attempts: list[str] = []
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def host_key(self) -> str:
        """The public key, OpenSSH form: what a client pins."""
        return " ".join(self._key.export_public_key().decode().split()[:2])

    async def listen(self, serve: Serve) -> None:
        """Begin, on the port of before if it had one."""
        self._acceptor = await asyncssh.listen(
            self.address,
            self.port,
            server_factory=lambda: _Gate(self),
            server_host_keys=[self._key],
            process_factory=serve,
            encoding=None,
            line_editor=False,
            reuse_address=True,
        )
        self.port = int(self._acceptor.get_port())

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
        if self._acceptor is None:
            return
        self._acceptor.close()
        await self._acceptor.wait_closed()
        self._acceptor = None
        await self.cut_all()
        # Sessions end in tasks of their connection: give them their turn.
        await asyncio.sleep(0)


class Reached:
    """A simulated device as it is reached, and nothing of what it does there."""

    def __init__(self, name: str, platform: str, server: Server) -> None:
        self.name = name
        self.platform = platform
        self._server = server

    @property
    def login(self) -> Login:
        """Who may log in."""
        return self._server.login

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._server.address

    @property
    def port(self) -> int:
        """The same; 0 before it ever did, unless one was asked for."""
        return self._server.port

    @port.setter
    def port(self, port: int) -> None:
        self._server.port = port

    @property
    def host_key(self) -> str:
        """Its public key, OpenSSH form: what a client pins."""
        return self._server.host_key

    @property
    def login_attempts(self) -> tuple[str, ...]:
        """User names that began to authenticate: empty when a client left at the host key."""
        return tuple(self._server.attempts)

    def reached_by(self, *protocols: str) -> spi.Endpoint:
        """How a driver reaches it by these protocols, host key pinned."""
        return spi.Endpoint(
            device=self.name,
            platform=self.platform,
            address=self.address,
            credential=spi.Credential(self.login.username, self.login.password),
            host_keys=(self.host_key,),
            ports=dict.fromkeys(protocols, self.port),
        )


class _Gate(asyncssh.SSHServer):
    """Authentication of one connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._login = server.login
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
