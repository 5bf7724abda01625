"""Decides how EOS's configuration sessions carry a transaction, where NAPALM's calls do not suffice.

A session of ours is the lock: NAPALM takes any pending session for one. It carries in its name until
when (in the device's own uptime) its holder may be alive, so that a dead holder's does not keep
everybody away. A session that somebody removed cannot be committed: the device itself is the fence.
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from device_models import model
from drivers.napalm_adapter import driver, failures
from drivers.napalm_adapter.box import Box, NapalmBox
from drivers.napalm_adapter.failures import Answer, NothingPending, Taken
from oss_agent.errors import DeviceRefused
from oss_agent.spi import device
from oss_agent.spi.device import Pending

if TYPE_CHECKING:
    from drivers.arista_eos.transport import Gate

_OURS = re.compile(r"oss-agent-(?P<why>lock|edit)-(?P<until>\d{1,12})-[0-9a-f]+")
_OPEN = "pending"


def made(endpoint: device.Endpoint, platform: model.Platform) -> Box:
    """The blocking side of one EOS device. DeviceRefused when no way to it can be trusted."""
    # NAPALM with all it imports costs a second and 40 MB; only who has such a device pays.
    from napalm.eos import EOSDriver  # noqa: PLC0415 - see above

    from drivers.arista_eos import transport  # noqa: PLC0415 - it imports pyeapi

    napalm = driver.part_of(platform)
    address, port = driver.address(endpoint, platform, napalm.protocol)
    login = endpoint.credential
    if login.password is None:
        raise DeviceRefused(endpoint.device, "eAPI takes a password, and none is known")
    gate = transport.gate(endpoint, napalm)
    options = {"transport": transport.PinnedEapi, "port": port, "gate": gate, "lock_disable": True}
    eos = EOSDriver(
        address, login.username, login.password, math.ceil(napalm.commit_within), options
    )
    return EosBox(eos, gate, napalm.lock_for)


class EosBox(NapalmBox):
    """NAPALM's EOS driver, its sessions named and guarded by us."""

    def __init__(self, eos: Any, gate: Gate, lock_for: float) -> None:
        """``lock_for``: seconds for which a session whose holder died keeps others away."""
        super().__init__(eos)
        self._gate = gate
        self._lock_for = lock_for

    @property
    def staged(self) -> bool:
        """Whether a session holds lines: NAPALM forgets one whose line was refused."""
        return self._staged and self._driver.config_session is not None

    def hang_up(self) -> None:
        """Shut the gate."""
        self._gate.hang_up()

    def claim(self) -> None:
        """Open a session if nobody else has one; of two that come at once, both go away."""
        self.discard()
        self._refuse_if_taken()
        self._name_session("lock")
        super().load("")
        self._staged = False
        try:
            self._refuse_if_taken()
        except Taken:
            self.discard()
            raise

    def release(self) -> None:
        """Drop a session that was not committed."""
        self.discard()

    def load(self, lines: str) -> None:
        """Into the session that is held, or a new one."""
        self._name_session("edit")
        super().load(lines)

    def candidate(self) -> str | None:
        """The session itself, as the device shows it."""
        name = self._driver.config_session
        shown = self._run(f"show session-config named {name}", encoding="text")
        return str(shown["output"])

    def commit(self) -> None:
        """For good; NAPALM saves it to startup in the same request."""
        with self._session_ends():
            super().commit()

    def commit_for(self, seconds: int) -> None:
        """With a timer. The session is let go: NAPALM would take it back when it closes."""
        with self._session_ends():
            super().commit_for(seconds)

    def pending(self) -> Pending:
        """By the session's name."""
        names = self._timed()
        if not names:
            return Pending.GONE
        return Pending.HELD if any(map(_OURS.fullmatch, names)) else Pending.OTHERS

    def rearm(self, seconds: int) -> None:
        """The same command again sets the timer anew."""
        clock = time.strftime("%H:%M:%S", time.gmtime(seconds))
        self._run(f"configure session {self._ours()} commit timer {clock}", encoding="text")

    def confirm(self) -> None:
        """Whichever session of ours is pending: the one that opened it may be long gone."""
        self._driver.config_session = self._ours()
        with self._session_ends():
            self._driver.confirm_commit()

    def undo(self) -> None:
        """Abort it. NAPALM's rollback would, when the timer was faster, replace all of running."""
        with contextlib.suppress(NothingPending):
            self._driver.config_session = self._ours()
            with self._session_ends():
                self._driver.discard_config()

    def _ours(self) -> str:
        name = next(filter(_OURS.fullmatch, self._timed()), None)
        if name is None:
            raise NothingPending("no timed commit of ours is pending")
        return name

    def _timed(self) -> list[str]:
        # Private, and the only place that knows both forms in which EOS tells it.
        commits: dict[str, int] = self._driver._get_pending_commits()  # noqa: SLF001 - see above
        return [str(name) for name in commits]

    def _name_session(self, why: str) -> None:
        if self._driver.config_session is None:
            until = int(self._uptime() + self._lock_for)
            self._driver.config_session = f"oss-agent-{why}-{until}-{secrets.token_hex(3)}"

    def _refuse_if_taken(self) -> None:
        timed = self._timed()
        if timed:
            raise Taken(timed[0])
        mine, uptime = self._driver.config_session, self._uptime()
        shown = self._run("show configuration sessions")["sessions"]
        for name in [n for n, s in shown.items() if s["state"] == _OPEN and n != mine]:
            left = _OURS.fullmatch(name)
            if left is None or (left["why"] == "lock" and int(left["until"]) > uptime):
                raise Taken(name)
            if int(left["until"]) <= uptime:
                self._run(f"configure session {name} abort", encoding="text")

    def _uptime(self) -> float:
        return float(self._run("show version")["uptime"])

    def _run(self, command: str, encoding: str = "json") -> Any:
        return self._driver.device.run_commands([command], encoding=encoding)[0]

    @contextlib.contextmanager
    def _session_ends(self) -> Iterator[None]:
        """After this block the session is the device's, unless the device refused or was not asked."""
        try:
            yield
        except Exception as failure:
            if failures.answer(failure) is Answer.LOST:
                self._forget()
            raise
        self._forget()

    def _forget(self) -> None:
        self._driver.config_session = None
        self._staged = False
