"""Decides how NETCONF travels over ncclient, for devices that need one of its handlers.

Only the way is ncclient's: the strategies, the errors and the order of operations are ours. Every
session has a Manager of its own in a thread of the crew, and is hung up by its socket, because
ncclient's own close waits for a device that may be silent. RaiseMode.NONE: ncclient calls a warning
with an error behind it a success, so the raw reply is judged by us.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from device_models import model
from drivers import offload, ssh, text
from drivers.netconf import document, hello, operations, rpc, transport
from drivers.netconf.document import Element
from oss_agent.errors import DeviceError, DeviceRefused, DeviceUnreachable
from oss_agent.spi import device

_GRACE = 5.0  # seconds that a call may outlive ncclient's own timeout
_CLOSE_WITHIN = 5.0
_KNOCK_AGAIN = 0.25  # seconds, twice as long each time; ncclient itself waits for a tenth


def threads() -> offload.Crew:
    """The threads of one platform's sessions; each session has two of ncclient's beside."""
    return offload.Crew(32)


class Line:
    """One socket with ncclient on it; every method but ``hang_up`` blocks."""

    def __init__(self, endpoint: device.Endpoint, port: int, netconf: model.Netconf) -> None:
        self._endpoint = endpoint
        self._port = port
        self._netconf = netconf
        self._socket: socket.socket | None = None
        self._manager: Any = None
        self._gone = threading.Event()

    def open(self) -> hello.Hello:
        """Connect, check the pinned key, log in, exchange hellos."""
        from ncclient import manager  # noqa: PLC0415 - half a second for those who never need it

        where = self._endpoint.address, self._port
        self._socket = socket.create_connection(where, ssh.CONNECT_WITHIN)
        if self._gone.is_set():  # while it was connecting there was nothing yet to hang up
            self._socket.close()
            raise ConnectionAbortedError("nobody waits for it any more")
        self._manager = manager.connect_ssh(
            host=self._endpoint.address,
            port=self._port,
            sock=self._socket,
            username=self._endpoint.credential.username,
            password=self._endpoint.credential.password,
            key_filename=self._endpoint.credential.private_key_file,
            hostkey_verify=True,
            hostkey_b64=self._endpoint.host_keys[0].split()[1],
            allow_agent=False,
            look_for_keys=False,
            keepalive=int(ssh.KEEPALIVE),
            device_params={"name": self._netconf.handler},
            errors_params={"raise_mode": 0},
        )
        if self._netconf.knocks:
            self._knock()
        announced = tuple(str(uri) for uri in self._manager.server_capabilities)
        uris = frozenset(uri.partition("?")[0] for uri in announced)
        return hello.Hello(uris, str(self._manager.session_id), announced)

    def _knock(self) -> None:
        """As ``rpc.Exchange.knock``: a server may sit on the first request until more bytes come."""
        within, pause = self._netconf.rpc_within, _KNOCK_AGAIN
        deadline = time.monotonic() + within
        asked: list[Any] = []
        self._manager.async_mode = True
        while not any(one.event.is_set() for one in asked):
            left = deadline - time.monotonic()
            if left <= 0 or self._gone.is_set():
                reason = f"no answer to the first request within {within:g} s"
                raise rpc.NoAnswer(reason, sent=False)
            asked.append(self._manager.dispatch(operations.nothing()))
            asked[-1].event.wait(min(pause, left))
            pause *= 2
        self._manager.async_mode = False
        for one in asked:
            if one.error is not None:  # the session ended
                raise one.error

    def ask(self, operation: Element, within: float) -> bytes:
        """The raw reply to one operation."""
        self._manager.timeout = within
        return bytes(self._manager.execute(_raw_operation(), operation).encode())

    def close(self) -> None:
        """Let ncclient's own threads end."""
        if self._manager is not None:
            self._manager._session.close()  # noqa: SLF001 - its public close asks the device first

    def hang_up(self) -> None:
        """From any thread, at once: whatever waits for the device gets an error."""
        self._gone.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _raw_operation() -> Any:
    """An ncclient operation whose result is the reply as it came, before any handler's stylesheet."""
    from ncclient.operations.retrieve import Dispatch  # noqa: PLC0415 - as above

    class Raw(Dispatch):  # type: ignore[misc]  # ncclient has no types
        def request(self, rpc_command: Any, source: Any = None, filter: Any = None) -> Any:  # noqa: A002 - ncclient's names
            super().request(rpc_command, source, filter)
            reply: Any = self.reply
            return reply.xml

    return Raw


class Exchange:
    """Requests and replies of one ncclient session (calls.Exchange), one at a time."""

    def __init__(self, line: Line, lane: offload.Lane, limit: int) -> None:
        self._line = line
        self._lane = lane
        self._limit = limit
        self._ended: str | None = None

    @property
    def ended(self) -> str | None:
        """Why no request can be sent any more, or None."""
        return self._ended

    async def call(
        self,
        operation: Element,
        *,
        within: float,
        reads: bool = False,  # noqa: ARG002 - nothing else is in flight
    ) -> Element:
        """Send one operation; rpc.NoAnswer ends the exchange: the device may still carry it out."""
        if self._ended is not None:
            raise rpc.NoAnswer(self._ended, sent=False)
        # ncclient puts the element into a request of its own.
        work = partial(self._line.ask, copy.deepcopy(operation), within)
        try:
            return self._parsed(await self._lane.call(work, within + _GRACE))
        except offload.Abandoned as gone:
            raise rpc.NoAnswer(str(gone), sent=False) from gone
        except offload.Overdue as late:
            raise self._lost(str(late), sent=late.begun) from late
        except Exception as failure:  # ncclient and paramiko raise what they like
            said = text.reason(failure)
            raise self._lost(f"{document.local(operation)}: {said}", sent=True) from failure

    def listen(self, heard: Callable[[Element], None] | None) -> None:
        """Nothing is handed over: the library keeps notifications to itself."""

    def end(self, reason: str) -> None:
        """Hang up. The first reason stays."""
        if self._ended is None:
            self._ended = reason
            self._line.hang_up()

    def _parsed(self, reply: bytes) -> Element:
        if len(reply) > self._limit:
            raise document.Unreadable(f"the reply is larger than {self._limit} bytes")
        return document.parse(reply)

    def _lost(self, reason: str, *, sent: bool) -> rpc.NoAnswer:
        self.end(reason)
        return rpc.NoAnswer(reason, sent=sent)


def opening_within(netconf: model.Netconf) -> float:
    """Seconds for a session to come about, the knocks among them."""
    knocks = netconf.rpc_within if netconf.knocks else 0.0
    return ssh.CONNECT_WITHIN + ssh.LOGIN_WITHIN + netconf.hello_within + knocks


@asynccontextmanager
async def session(
    endpoint: device.Endpoint, platform: model.Platform, crew: offload.Crew
) -> AsyncIterator[tuple[hello.Hello, Exchange]]:
    """As ``transport.session``, over ncclient. DeviceRefused or DeviceUnreachable."""
    ssh.pinned(endpoint)
    line = Line(endpoint, transport.port(endpoint, platform), platform.netconf)
    lane = offload.Lane(crew, line.hang_up)
    exchange = Exchange(line, lane, platform.netconf.message_limit)
    try:
        try:
            greeted = await lane.call(line.open, opening_within(platform.netconf))
        except Exception as failure:
            raise _refusal(endpoint.device, failure) from failure
        yield greeted, exchange
        await transport.say_goodbye(exchange)
    finally:
        line.hang_up()
        # A thread that is still in a call ends by the hang-up; nobody waits for it any longer.
        with contextlib.suppress(Exception):
            await lane.call(line.close, _CLOSE_WITHIN)


def _refusal(name: str, failure: Exception) -> DeviceError:
    """DeviceRefused for what a person has to look at, else DeviceUnreachable."""
    from ncclient.transport import errors  # noqa: PLC0415 - as above
    from paramiko.ssh_exception import IncompatiblePeer  # noqa: PLC0415 - same

    said = text.reason(failure)
    causes = (failure, failure.__context__)
    persons = (errors.SSHUnknownHostError, errors.AuthenticationError, IncompatiblePeer)
    if any(isinstance(cause, persons) for cause in causes):
        login = isinstance(failure, errors.AuthenticationError)
        return DeviceRefused(name, f"SSH by ncclient: {said}", login=login)
    return DeviceUnreachable(name, f"no NETCONF there, by ncclient: {said}")
