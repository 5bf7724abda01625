"""Serving the application inside our own event loop: no signal handlers, no lifespan, one socket.

The daemon decides about signals and start order; uvicorn only speaks HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from bss_bridge.engine.access import Tokens
from oss_agent import errors

GRACE: Final = 5
"""Seconds that requests in flight get when the daemon stops."""
_CONNECTIONS: Final = 256
"""Each may hold a body of 1 MiB: this bounds memory, and leaves file descriptors for devices."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where to listen: an inherited listening socket (``fd``), or an address and a port."""

    host: str = "127.0.0.1"
    port: int = 8642
    fd: int | None = None


def check_bind(host: str, tokens: Tokens) -> None:
    """ConfigurationError when anybody but this machine could reach an API without tokens."""
    if tokens:
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise errors.ConfigurationError(
            f"http.bind {host!r} is reachable from outside, but there are no http.tokens: anyone "
            "could change the network. Configure a token, or bind 127.0.0.1"
        )


def listen(bind: Bind) -> socket.socket:
    """The listening socket. ConfigurationError when it cannot be had.

    Bound before the roles start, so that a taken port stops the daemon with a sentence.
    """
    try:
        if bind.fd is not None:
            return socket.socket(fileno=bind.fd)
        family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        return socket.create_server((bind.host, bind.port), family=family, backlog=128)
    except OSError as bad:
        where = f"fd {bind.fd}" if bind.fd is not None else f"{bind.host} port {bind.port}"
        raise errors.ConfigurationError(
            f"http: cannot listen on {where}: {_reason(bad)}; stop what listens there, "
            "perhaps another daemon, or choose another http.port or http.bind"
        ) from bad


def _reason(bad: OSError) -> str:
    """Without the address, which asyncio's and socket's helpers say once more."""
    return str(bad.strerror).partition(" (while")[0]


class EmbeddedServer(uvicorn.Server):
    """uvicorn that leaves the process's signals alone, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell ``answering``."""
        await super().startup(sockets)
        self.answering.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none: the daemon's own handler ends the task group."""
        yield


class HttpRole:
    """One role of the daemon's task group: serve until ``stop`` or cancellation."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._socket = listening
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = EmbeddedServer(config)

    @property
    def url(self) -> str:
        """Where it answers, as bound."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def run(self) -> None:
        """Serve; on cancellation let requests in flight finish for ``GRACE`` seconds."""
        sockets = [self._socket]
        try:
            await self._server.serve(sockets=sockets)
        except asyncio.CancelledError:
            if self._server.started:
                await self._server.shutdown(sockets=sockets)
            raise
        finally:
            self._socket.close()

    async def wait_started(self) -> None:
        """Until connections are answered."""
        await self._server.answering.wait()

    def stop(self) -> None:
        """Ask it to end; ``run`` returns soon after."""
        self._server.should_exit = True
