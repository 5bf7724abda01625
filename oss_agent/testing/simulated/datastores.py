"""Decides how running, candidate and startup behave: locks, commit, confirmed commit, rollback.

RFC 6241 sections 7.5, 7.6, 8.3, 8.4 and 8.7, as a server. No bytes and no XML replies here; time
comes in as a ``Timer``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oss_agent.testing.simulated import confirmed_commit, constraints, content, edit
from oss_agent.testing.simulated.confirmed_commit import CommitRequest, Pending
from oss_agent.testing.simulated.content import Content
from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.history import History, Kind
from oss_agent.testing.simulated.locks import Locks
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.rpc_error import RpcError, lock_denied
from oss_agent.testing.simulated.schema import Ceiling, Schema

RUNNING, CANDIDATE, STARTUP = "running", "candidate", "startup"


class Timer(Protocol):
    """One alarm clock: starting it again moves it."""

    def now(self) -> float:
        """Seconds since any moment."""
        ...

    def start(self, seconds: float, ring: Callable[[], None]) -> None:
        """Call ``ring`` once after so many seconds."""
        ...

    def stop(self) -> None:
        """Do not ring."""
        ...


@dataclass(slots=True)
class Datastores:
    """The configuration of one device, with everything that sessions share."""

    schema: Schema
    history: History
    timer: Timer
    ceilings: Sequence[Ceiling] = ()
    running: Content = field(default_factory=dict)
    startup: Content = field(default_factory=dict)
    faults: Faults = NONE
    _candidate: Content | None = None
    _locks: Locks = field(default_factory=Locks)
    _pending: Pending | None = None
    _dirty_for_good: bool = False
    _denied: tuple[Faults, float] | None = None

    # --- what can be read

    def get(self, name: str) -> Content:
        """The content of one datastore."""
        if name == RUNNING:
            return self.running
        return self.startup if name == STARTUP else self.candidate

    @property
    def candidate(self) -> Content:
        """The shared candidate; equal to running until somebody edits."""
        return self.running if self._candidate is None else self._candidate

    @property
    def pending(self) -> bool:
        """Whether a confirmed commit waits for its confirmation."""
        return self._pending is not None

    def running_text(self) -> str:
        """Running, canonical: equal text for equal configurations."""
        return content.canonical(self.schema, self.running)

    def running_digest(self) -> str:
        """SHA-256 hex of ``running_text``."""
        return content.digest(self.running_text())

    # --- locks

    def lock(self, session: int, name: str) -> None:
        """RFC 6241 7.5, with its three reasons to say no."""
        if self.faults.lock_held_by is not None and self._still_held():
            raise lock_denied(self.faults.lock_held_by, f"{name} is locked")
        if name == RUNNING and self._pending is not None and self._pending.session != session:
            raise RpcError("in-use", "another session's confirmed commit is pending", "protocol")
        self._locks.take(session, name)
        if name == CANDIDATE and self._candidate is not None:
            self._locks.release(session, name)
            raise RpcError("resource-denied", "the candidate holds uncommitted changes", "protocol")
        self.history.add(session, Kind.LOCK, detail=name)

    def _still_held(self) -> bool:
        """Whether the stranger of the faults keeps the lock; counted from the first denial."""
        if self._denied is None or self._denied[0] is not self.faults:
            self._denied = self.faults, self.timer.now()
        held_for = self.faults.lock_held_for
        return held_for is None or self.timer.now() - self._denied[1] < held_for

    def unlock(self, session: int, name: str) -> None:
        """Give a lock back; the candidate's takes uncommitted changes along (RFC 6241 8.3.5.2)."""
        self._locks.release(session, name)
        self._clean(name)
        self.history.add(session, Kind.UNLOCK, detail=name)

    def _clean(self, name: str) -> None:
        if name == CANDIDATE and not self._dirty_for_good:
            self._candidate = None

    # --- editing

    def edit_running(self, session: int, config: Element, *, default_operation: str) -> None:
        """Edit running at once: all of it, or nothing and RpcError. RFC 6241 8.2 and 8.5."""
        self._locks.ask(session, RUNNING)
        before = self.running
        result = edit.apply(self.schema, before, config, default_operation)
        try:
            self._refuse_if_told(self.faults.refuse_commit)
            constraints.check(self.schema, result, self.ceilings)
        except RpcError as error:
            self._refused(session, before, result, error)
            raise
        self.running = before if self.faults.ok_changes_nothing else result
        text = config.content()
        self.history.add(session, Kind.EDIT, content.digest(text), text)
        self.history.add(session, Kind.COMMIT, self.running_digest())

    def edit(
        self,
        session: int,
        config: Element,
        *,
        default_operation: str,
        test_option: str,
    ) -> None:
        """Edit the candidate: all of it, or nothing and RpcError.

        Testing means the schema's constraints; a device's ceilings show at commit only.
        """
        self._locks.ask(session, CANDIDATE)
        if self.faults.edit_ignores is not None:
            config = config.without(self.faults.edit_ignores)
        result = edit.apply(self.schema, self.candidate, config, default_operation)
        if test_option != "set":
            constraints.check(self.schema, result, ())
        if test_option == "test-only":
            return
        self._candidate = result
        text = config.content()
        self.history.add(session, Kind.EDIT, content.digest(text), text)

    def discard(self, session: int) -> None:
        """Candidate back to running; safe twice."""
        self._locks.ask(session, CANDIDATE)
        self._candidate = None
        self._dirty_for_good = False
        self.history.add(session, Kind.DISCARD)

    def validate(self, name: str) -> None:
        """Judge a datastore as a commit would."""
        constraints.check(self.schema, self.get(name), self.ceilings)

    # --- commit

    def commit(self, session: int, request: CommitRequest) -> None:
        """<commit>, in all its forms (RFC 6241 8.3.4 and 8.4.5)."""
        self._locks.ask(session, RUNNING)
        self._locks.ask(session, CANDIDATE)
        confirmed_commit.may_commit(self._pending, session, request)
        self._judge(session, request)
        before = self.running
        if not self.faults.ok_changes_nothing:
            self.running = self.candidate
        self._candidate = None
        if request.confirm_within is None:
            self._make_permanent(session)
        else:
            self._hold(session, request, before)

    def _judge(self, session: int, request: CommitRequest) -> None:
        confirming = self._pending is not None and request.confirm_within is None
        words = self.faults.refuse_confirm if confirming else self.faults.refuse_commit
        try:
            self._refuse_if_told(words)
            constraints.check(self.schema, self.candidate, self.ceilings)
        except RpcError as error:
            self._dirty_for_good = self.faults.keeps_dirty_candidate
            self._refused(session, self.running, self.candidate, error)
            raise

    def _refuse_if_told(self, words: str | None) -> None:
        if words is not None:
            raise RpcError("operation-failed", words)

    def _refused(self, session: int, before: Content, wanted: Content, error: RpcError) -> None:
        if self.faults.refused_half_done:
            self.running = content.halfway(before, wanted)
        self.history.add(session, Kind.REFUSED, self.running_digest(), error.message)

    def _make_permanent(self, session: int) -> None:
        kind = Kind.COMMIT if self._pending is None else Kind.CONFIRM
        self._pending = None
        self.timer.stop()
        self.history.add(session, kind, self.running_digest())

    def _hold(self, session: int, request: CommitRequest, before: Content) -> None:
        # A follow-up keeps the first backup: all of them are undone together (RFC 6241 8.4.1).
        first = before if self._pending is None else self._pending.before
        self._pending = Pending(first, session, request.persist)
        self.timer.start(request.confirm_within or 0.0, self.expire)
        detail = f"within {request.confirm_within:g} persist {request.persist or ''}".strip()
        self.history.add(session, Kind.HOLD, self.running_digest(), detail)

    # --- undoing a confirmed commit

    def cancel(self, session: int, persist_id: str | None) -> None:
        """<cancel-commit> (RFC 6241 8.4.4.1)."""
        pending = confirmed_commit.may_cancel(self._pending, session, persist_id)
        self._revert(pending, session, Kind.CANCEL, "cancel-commit")

    def expire(self) -> None:
        """The confirm timeout is over: undo."""
        if self._pending is not None:
            self._revert(self._pending, self._pending.session, Kind.ROLLBACK, "timeout")

    def _revert(self, pending: Pending, session: int, kind: Kind, detail: str) -> None:
        self.running, self._pending, self._candidate = pending.before, None, None
        self.timer.stop()
        self.history.add(session, kind, self.running_digest(), detail)

    # --- what ends

    def end_session(self, session: int) -> None:
        """Free the session's locks, forget its staged edits, undo its unpersisted commit."""
        for name in self._locks.drop(session):
            self._clean(name)
        pending = self._pending
        if pending is not None and pending.persist is None and pending.session == session:
            self._revert(pending, session, Kind.ROLLBACK, "session closed")

    # --- other ways to change

    def save(self, session: int) -> None:
        """<copy-config> running to startup."""
        self._locks.ask(session, STARTUP)
        self.startup = self.running
        self.history.add(session, Kind.SAVE, self.running_digest())

    def change_by_hand(self, config: Element) -> None:
        """An operator at the console edits running, past all locks."""
        self.running = edit.apply(self.schema, self.running, config, "merge")
        self.history.add(0, Kind.BY_HAND, self.running_digest())

    def reboot(self) -> None:
        """Running is startup again; nothing pending or staged survives."""
        self.running, self._candidate, self._pending = self.startup, None, None
        self._locks.clear()
        self.timer.stop()
        self.history.add(0, Kind.REBOOT, self.running_digest())
