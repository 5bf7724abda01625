"""Decides which NAPALM calls a step of a transaction is: the blocking side of a session.

Everything here runs in a thread, one call at a time; only ``hang_up`` comes from outside.
"""

from __future__ import annotations

from typing import Any, Protocol

from drivers.napalm_adapter.failures import NothingPending, Taken
from oss_agent.spi.device import Pending


class Box(Protocol):
    """One device as NAPALM reaches it. Failures are NAPALM's own or those of ``failures``."""

    def open(self) -> None:
        """Connect and log in."""
        ...

    def close(self) -> None:
        """Hang up, leaving a timed commit pending and nothing staged."""
        ...

    def hang_up(self) -> None:
        """From any thread, at once: whatever call is running must come to its end."""
        ...

    def claim(self) -> None:
        """Keep others from configuring, with nothing staged. Taken names who does already."""
        ...

    def release(self) -> None:
        """Let others configure. Safe when not held."""
        ...

    def load(self, lines: str) -> None:
        """Stage lines."""
        ...

    @property
    def staged(self) -> bool:
        """Is there anything that a commit would commit?"""
        ...

    def compare(self) -> str:
        """The device's own difference of what is staged."""
        ...

    def candidate(self) -> str | None:
        """The text of the whole configuration with what is staged; None where it cannot be had."""
        ...

    def running(self) -> str:
        """The text of the running configuration."""
        ...

    def startup(self) -> str:
        """The text of what a restart brings back; "" where it cannot be had."""
        ...

    def commit(self) -> None:
        """Make what is staged live for good."""
        ...

    def commit_for(self, seconds: int) -> None:
        """Make it live; the device takes it back unless it is confirmed in time."""
        ...

    def pending(self) -> Pending:
        """Is a timed commit pending, and is it ours?"""
        ...

    def rearm(self, seconds: int) -> None:
        """Let the timer of ours begin anew. NothingPending."""
        ...

    def confirm(self) -> None:
        """Make ours permanent. NothingPending."""
        ...

    def undo(self) -> None:
        """Take ours back. Nothing to do when there is none."""
        ...

    def discard(self) -> None:
        """Forget what is staged."""
        ...


class NapalmBox:
    """What NAPALM's common interface can say; a platform overrides what its device can do better.

    NAPALM has no lock and cannot tell whose timed commit is pending: the agent's lease is the fence.
    """

    def __init__(self, driver: Any) -> None:
        """``driver`` is an instance of a napalm NetworkDriver, not yet open."""
        self._driver = driver
        self._staged = False

    @property
    def staged(self) -> bool:
        """Whether lines were loaded since the last commit or discard."""
        return self._staged

    def open(self) -> None:
        """As NAPALM does."""
        self._driver.open()

    def close(self) -> None:
        """As NAPALM does."""
        self._driver.close()

    def hang_up(self) -> None:
        """NAPALM has no such call: its own timeout ends the call."""

    def claim(self) -> None:
        """Refused while any timed commit is pending; what was staged goes."""
        if self._driver.has_pending_commit():
            raise Taken("a timed commit is pending")
        self.discard()

    def release(self) -> None:
        """Nothing is held."""

    def load(self, lines: str) -> None:
        """A merge candidate."""
        self._staged = True
        self._driver.load_merge_candidate(config=lines)

    def compare(self) -> str:
        """As NAPALM does."""
        return str(self._driver.compare_config())

    def candidate(self) -> str | None:
        """None: NAPALM has a difference in each platform's own words, and no whole."""
        return None

    def running(self) -> str:
        """Of all that NAPALM could get, running alone."""
        return str(self._driver.get_config(retrieve="running")["running"])

    def startup(self) -> str:
        """Of all that NAPALM could get, startup alone."""
        return str(self._driver.get_config(retrieve="startup")["startup"])

    def commit(self) -> None:
        """As NAPALM does."""
        self._driver.commit_config()
        self._staged = False

    def commit_for(self, seconds: int) -> None:
        """As NAPALM does."""
        self._driver.commit_config(revert_in=seconds)
        self._staged = False

    def pending(self) -> Pending:
        """Ours, because nobody else configures under the agent's lease."""
        return Pending.HELD if self._driver.has_pending_commit() else Pending.GONE

    def rearm(self, seconds: int) -> None:  # noqa: ARG002 - NAPALM cannot
        """Left as it is: NAPALM has no call for it."""
        self._expect_pending()

    def confirm(self) -> None:
        """As NAPALM does."""
        self._expect_pending()
        self._driver.confirm_commit()

    def undo(self) -> None:
        """NAPALM's rollback, and only of a timed commit: otherwise it would undo an older change."""
        if self.pending() is Pending.HELD:
            self._driver.rollback()

    def discard(self) -> None:
        """As NAPALM does."""
        self._driver.discard_config()
        self._staged = False

    def _expect_pending(self) -> None:
        if self.pending() is not Pending.HELD:
            raise NothingPending("no timed commit of ours is pending")
