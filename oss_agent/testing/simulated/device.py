"""Decides how a simulated NETCONF device lives: a real SSH server on loopback with its own keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import asyncssh

from oss_agent.spi import device as spi
from oss_agent.testing.simulated import framing, markup, ssh
from oss_agent.testing.simulated.datastores import Datastores
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import History, Kind
from oss_agent.testing.simulated.lab_services import LAB_SERVICES
from oss_agent.testing.simulated.offer import Offer
from oss_agent.testing.simulated.operations import Caller, Operations
from oss_agent.testing.simulated.schema import Ceiling, Schema
from oss_agent.testing.simulated.session import Cut, NetconfSession
from oss_agent.testing.simulated.timer import LoopTimer

LOOPBACK = "127.0.0.1"


class SimulatedDevice(ssh.Reached):
    """One NETCONF device. ``async with SimulatedDevice("pe1") as device: device.endpoint()``.

    It listens while the block runs; its configuration and history live as long as the object, so
    leaving and entering again on the same ``port`` is a power cycle without loss of running.
    """

    def __init__(
        self,
        name: str,
        *,
        login: ssh.Login | None = None,
        schema: Schema = LAB_SERVICES,
        ceilings: Sequence[Ceiling] = (),
        offer: Offer | None = None,
        faults: Faults = NONE,
        platform: str = "sim_netconf",
        address: str = LOOPBACK,
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, platform, ssh.Server(login or ssh.Login(), address, port))
        self.history = History(now)
        self._offer = offer or Offer()
        self._timer = LoopTimer(lambda: self._faults.starve_timer)
        self.datastores = Datastores(schema, self.history, self._timer, ceilings)
        self._operations = Operations(self.datastores, self._offer)
        self._faults = NONE
        self._commits = 0
        self._last_session = 0
        self._sessions: dict[int, asyncssh.SSHServerProcess[bytes]] = {}
        self.quick = asyncio.Event()
        self.faults = faults

    # --- where it is

    def endpoint(self) -> spi.Endpoint:
        """How a driver reaches it, host key pinned."""
        return self.reached_by("netconf", "ssh")

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
        self._timer.stop()

    # --- what happens to it

    @property
    def faults(self) -> Faults:
        """The knobs as they stand."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = self.datastores.faults = faults
        self._commits = 0
        if faults.commit_takes:
            self.quick.clear()
        else:
            self.quick.set()

    def change_by_hand(self, config: str) -> None:
        """Merge the content of ``config`` (XML elements) into running, past every lock."""
        self.datastores.change_by_hand(markup.parse(f"<config>{config}</config>".encode()))

    async def reboot(self) -> None:
        """Cut every session; running is startup again."""
        await self._server.cut_all()
        self.datastores.reboot()

    def reboot_now(self) -> None:
        """``reboot`` for a session of its own: nobody waits until the last connection is gone."""
        self._server.abort_all()
        self.datastores.reboot()

    async def cut(self) -> None:
        """Cut every connection, as a broken link does."""
        await self._server.cut_all()

    # --- for its sessions

    def hello(self, session: int | None) -> bytes:
        """The hello of one session."""
        return self._offer.hello(self.datastores.schema, session)

    def perform(self, caller: Caller, operation: markup.Element) -> str:
        """Carry one operation out."""
        self._timer.touch()
        return self._operations.answer(caller, operation)

    @property
    def pending(self) -> bool:
        """Whether a confirmed commit waits for its confirmation."""
        return self.datastores.pending

    def count_commit(self) -> int:
        """The number of this commit since the faults were set."""
        self._commits += 1
        return self._commits

    def note_fault(self, session: int, detail: str) -> None:
        """Write down that a fault showed."""
        self.history.add(session, Kind.FAULT, detail=detail)

    # --- one session

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.subsystem != "netconf":
            process.exit(1)
            return
        self._last_session += 1
        number = self._last_session
        self._sessions[number] = process
        self.history.add(number, Kind.SESSION)
        session = NetconfSession(self, number, process.stdin, process.stdout, self._end)
        try:
            await session.run()
        except Cut:
            process.channel.get_connection().abort()
        except (framing.BadFraming, markup.Malformed, asyncssh.Error, OSError) as error:
            self.history.add(number, Kind.FAULT, detail=f"session broke: {error}")
        finally:
            self._end(number)

    def _end(self, number: int) -> bool:
        process = self._sessions.pop(number, None)
        if process is None:
            return False
        self.datastores.end_session(number)
        self.history.add(number, Kind.CLOSE)
        process.close()
        return True
