"""Decides what a simulated EOS device is made of: a command line behind HTTP or HTTPS on loopback."""

from __future__ import annotations

import asyncio
import ssl
import time
from types import TracebackType
from typing import Self

from oss_agent.spi import device
from oss_agent.testing.simulated_eapi import certificate, configuration
from oss_agent.testing.simulated_eapi.commands import Commands
from oss_agent.testing.simulated_eapi.faults import Faults
from oss_agent.testing.simulated_eapi.http import Door
from oss_agent.testing.simulated_eapi.sessions import Configurations

_TICK = 0.1  # seconds: how late a commit timer may ring
_BOOTED = 4_000.0  # seconds the device has been up when it appears
FACTORY = """\
hostname {name}
interface Ethernet1
   description core
interface Ethernet3
interface Ethernet4
interface Ethernet5
interface Loopback0
   ip address 10.255.0.11/32
interface Vxlan1
   vxlan source-interface Loopback0
router bgp 65000
   router-id 10.255.0.11
   neighbor 10.255.0.12 remote-as 65000
"""


class SimulatedEos:
    """``async with SimulatedEos("leaf1") as box:`` listens on loopback at ``box.port``.

    ``tls`` is what it should be on every network; ``store`` is what it holds, ``faults`` its
    knobs, ``login_attempts`` the Authorization headers it was sent.
    """

    def __init__(
        self,
        name: str,
        *,
        tls: bool = True,
        configuration_text: str = FACTORY,
        username: str = "admin",
        password: str = "sim-secret",  # noqa: S107 - of a device that exists only in tests
    ) -> None:
        self.name = name
        self.faults = Faults()
        self.port = 0
        self.login_attempts: list[str] = []
        self._login = (username, password)
        self._born = time.monotonic()
        lines = configuration.parse(configuration_text.format(name=name))
        self.store = Configurations(lines, self._uptime, startup=configuration.copied(lines))
        self.commands = Commands(name, "4.30.1F", self.store, self.faults)
        self._tls: ssl.SSLContext | None = None
        self.host_key = ""
        if tls:
            self._tls, self.host_key = certificate.made(name)
        self._server: asyncio.Server | None = None
        self._timer: asyncio.Task[None] | None = None
        self._door: Door | None = None

    async def __aenter__(self) -> Self:
        told = self.login_attempts.append
        self._door = Door(self.commands, self.faults, *self._login, told=told)
        # pyeapi hangs up without TLS's goodbye; waiting for it would take half a minute.
        goodbye = None if self._tls is None else 0.5
        self._server = await asyncio.start_server(
            self._door.serve, "127.0.0.1", 0, ssl=self._tls, ssl_shutdown_timeout=goodbye
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        # A TaskGroup would need a block of its own around the caller's; this one task is ended below.
        self._timer = asyncio.get_running_loop().create_task(self._ring())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._door is not None:
            await self._door.shut()

    @property
    def running(self) -> str:
        """The running configuration as it would be shown, without its head."""
        return configuration.text(self.store.running)

    async def reboot(self) -> None:
        """Running is startup again, no session and no timer is left."""
        self.store.running = configuration.copied(self.store.startup)
        self.store.sessions.clear()

    def endpoint(self, platform: str = "arista_eos") -> device.Endpoint:
        """How to reach it, its key pinned."""
        return device.Endpoint(
            device=self.name,
            platform=platform,
            address="127.0.0.1",
            credential=device.Credential(*self._login),
            host_keys=(self.host_key,) if self.host_key else (),
            ports={"eapi": self.port},
        )

    def _uptime(self) -> float:
        return _BOOTED + time.monotonic() - self._born

    async def _ring(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.store.expire()
