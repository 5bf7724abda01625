"""Decides what configuration sessions do to running: staged apart, swapped in, undone by a timer.

As EOS has it: a session is a copy of running from when it was opened, a commit puts that copy in
running's place, ``commit timer`` puts running back unless the session is committed again in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from oss_agent.testing.simulated_eapi import configuration
from oss_agent.testing.simulated_eapi.configuration import Editor, Lines

PENDING = "pending"
TIMED = "pendingCommitTimer"
COMPLETED = "completed"
MOST_OPEN = 5


class CannotRun(Exception):
    """The command is understood and cannot be carried out; the text is what the device says."""


@dataclass(slots=True)
class ConfigSession:
    """One configuration session. ``before`` and ``commit_by`` are set while its timer runs."""

    editor: Editor
    state: str = PENDING
    before: Lines | None = None
    commit_by: float = 0.0


@dataclass(slots=True)
class Configurations:
    """Running, startup, the files on flash, and the sessions by name."""

    running: Lines
    uptime: Callable[[], float]
    startup: Lines = field(default_factory=dict[str, Lines])
    flash: dict[str, Lines] = field(default_factory=dict[str, Lines])
    sessions: dict[str, ConfigSession] = field(default_factory=dict[str, ConfigSession])
    history: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(what, session): opened, committed, timed, confirmed, aborted, expired"""

    def open(self, name: str) -> ConfigSession:
        """Enter a session, made when there is none of this name that is pending."""
        found = self.sessions.get(name)
        if found is not None and found.state == PENDING:
            return found
        if found is not None and found.state == TIMED:
            raise CannotRun("Cannot enter session: pending commit timer")
        if sum(1 for one in self.sessions.values() if one.state == PENDING) >= MOST_OPEN:
            raise CannotRun(
                "Maximum number of pending sessions has been reached. Please commit or abort "
                "previous sessions before creating a new one."
            )
        made = self.sessions[name] = ConfigSession(Editor(configuration.copied(self.running)))
        self.history.append(("opened", name))
        return made

    def get(self, name: str) -> ConfigSession:
        """A session that is pending or timed."""
        found = self.sessions.get(name)
        if found is None or found.state == COMPLETED:
            raise CannotRun(f"Session {name} does not exist")
        return found

    def commit(self, name: str, *, timer: float | None) -> None:
        """Swap in, or make a timed commit permanent, or move its timer."""
        session = self.get(name)
        if session.state == PENDING:
            if timer is not None and self.timed() is not None:
                raise CannotRun("Another session is pending commit timer")
            session.before = self.running
            self.running = configuration.copied(session.editor.lines)
            self.history.append(("committed" if timer is None else "timed", name))
        elif timer is None:
            self.history.append(("confirmed", name))
        session.state = COMPLETED if timer is None else TIMED
        session.commit_by = 0.0 if timer is None else self.uptime() + timer

    def abort(self, name: str) -> None:
        """Forget a session; a timed commit is undone."""
        session = self.get(name)
        self._undo(name, session, "aborted")

    def timed(self) -> str | None:
        """The session whose commit timer runs."""
        return next((name for name, one in self.sessions.items() if one.state == TIMED), None)

    def expire(self) -> None:
        """Undo what nobody confirmed in time."""
        for name, session in list(self.sessions.items()):
            if session.state == TIMED and self.uptime() >= session.commit_by:
                self._undo(name, session, "expired")

    def _undo(self, name: str, session: ConfigSession, why: str) -> None:
        if session.state == TIMED and session.before is not None:
            self.running = session.before
        del self.sessions[name]
        self.history.append((why, name))
