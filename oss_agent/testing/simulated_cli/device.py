"""Decides how a simulated command-line router lives: a real SSH server on loopback, its own keys."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import asyncssh

from oss_agent.spi import device as spi
from oss_agent.testing.simulated import ssh
from oss_agent.testing.simulated.history import History, Kind
from oss_agent.testing.simulated_cli.faults import NONE, Faults
from oss_agent.testing.simulated_cli.interpreter import Configuration, Interpreter
from oss_agent.testing.simulated_cli.session import CliSession, Cut

LOOPBACK = "127.0.0.1"


class SimulatedCli(ssh.Reached):
    """One router. ``async with SimulatedCli("pe1") as router: router.endpoint()``.

    It listens while the block runs; its configuration and history live as long as the object.
    """

    def __init__(
        self,
        name: str,
        *,
        login: ssh.Login | None = None,
        faults: Faults = NONE,
        platform: str = "sim_cli",
        address: str = LOOPBACK,
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, platform, ssh.Server(login or ssh.Login(), address, port))
        self.prompt_name = name
        self.history = History(now)
        self.configuration = Configuration()
        self.startup = Configuration()
        self._lines = 0
        self._last_session = 0
        self._sessions: dict[int, CliSession] = {}
        self._faults = faults

    # --- where it is

    def endpoint(self) -> spi.Endpoint:
        """How a driver reaches it, host key pinned."""
        return self.reached_by("ssh")

    async def __aenter__(self) -> Self:
        await self._server.listen(self._serve)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.close()

    # --- what happens to it

    @property
    def faults(self) -> Faults:
        """The knobs as they stand."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._lines = 0

    def change_by_hand(self, lines: str) -> None:
        """Somebody types these lines into configuration mode; AssertionError when one is refused."""
        hand = Interpreter(self.configuration)
        hand.enter()
        for line in lines.splitlines():
            said = hand.take(line)
            if said:
                raise AssertionError(f"{line!r}: {said}")
            self.note(0, Kind.BY_HAND, line)

    async def cut(self) -> None:
        """Cut every connection, as a broken link does."""
        await self._server.cut_all()

    async def reboot(self) -> None:
        """Cut every session; running is startup again."""
        await self.cut()
        self.configuration.lines = copy.deepcopy(self.startup.lines)
        self.note(0, Kind.REBOOT, "")

    # --- for its sessions

    def running(self) -> str:
        """The running configuration as shown."""
        padding = "".join(f"! padding {n}\n" for n in range(self._faults.padding))
        head = f"Building configuration...\n\nCurrent configuration:\n!\n! at {time.time()}\n!\n"
        whole = f"{head}{self.configuration.text()}{padding}end\n"
        cut = self._faults.cut_after
        return "".join(whole.splitlines(keepends=True)[:cut])

    def saved(self) -> str:
        """The startup configuration as shown."""
        shown = self.startup.text()
        return f"Using {len(shown)} out of 262136 bytes\n!\n! at {time.time()}\n!\n{shown}end\n"

    def save(self, session: int) -> None:
        """Running to startup."""
        self.startup.lines = copy.deepcopy(self.configuration.lines)
        self.note(session, Kind.SAVE, "")

    def count(self) -> None:
        """One more line in configuration mode."""
        self._lines += 1

    def shows(self, at: int | None) -> bool:
        """Whether a fault set for the n-th line shows now."""
        return at is not None and at == self._lines

    def note(self, session: int, kind: Kind, detail: str) -> None:
        """Write down what happened, with what running is by now."""
        digest = hashlib.sha256(self.configuration.text().encode()).hexdigest()
        self.history.add(session, kind, digest, detail)

    def configuring(self, besides: int) -> tuple[int, ...]:
        """The other sessions that are in configuration mode."""
        return tuple(n for n, s in self._sessions.items() if n != besides and s.interpreter.mode)

    # --- one session

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._last_session += 1
        number = self._last_session
        self.history.add(number, Kind.SESSION)
        session = CliSession(self, number, process, Interpreter(self.configuration))
        self._sessions[number] = session
        try:
            await session.run()
        except Cut:
            self.history.add(number, Kind.FAULT, detail="connection cut")
            process.channel.get_connection().abort()
        except (asyncssh.Error, asyncssh.BreakReceived, OSError) as error:
            self.history.add(number, Kind.FAULT, detail=f"session broke: {error}")
        finally:
            del self._sessions[number]
            self.history.add(number, Kind.CLOSE)
            process.close()
