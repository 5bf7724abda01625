"""The values of the journal: where a transaction, a participant and a decision stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oss_agent.spi import catalogue, clock
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import Path, Tree


class Stage(StrEnum):
    """Where a transaction stands for the feeder."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    MEMBER = "member"
    """carried by another transaction, its leader"""
    CLOSED = "closed"


class State(StrEnum):
    """Where one participant stands."""

    PLANNED = "planned"
    LOCKED = "locked"
    VALIDATED = "validated"
    COMMITTING = "committing"
    HELD = "held"
    CONFIRMING = "confirming"
    PROVEN = "proven"
    DONE = "done"
    REVERTED = "reverted"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Nothing is left to do at this device."""
        return self in {State.DONE, State.REVERTED}


class Verdict(StrEnum):
    """The two decisions."""

    COMMIT = "commit"
    ABORT = "abort"


class Cause(StrEnum):
    """Why an attempt was decided as it was; an abort's cause says what happens next."""

    PROVEN = "proven"
    REJECTED = "changeRejected"
    REFUSED = "deviceRefused"
    PROOF = "proofFailed"
    BISECTED = "bisected"
    """a group was aborted for a lasting cause: its halves run again, each by itself"""
    NEIGHBOUR = "neighbourHarmed"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    """its item was taken out of the order while it was carried out"""
    UNREACHABLE = "deviceUnreachable"
    BUSY = "deviceBusy"
    INTERRUPTED = "interrupted"
    STOPPED = "writesStopped"
    """writes were paused after it was planned and before anything was sent"""
    AMENDED = "amended"
    """what it asks for was changed while it was carried out: it is planned anew"""
    HELD = "held"
    """somebody put its order on hold while it was carried out"""

    UNAPPROVED = "planNotApproved"
    """nobody approved its plan in time"""

    @property
    def transient(self) -> bool:
        """Worth another attempt, because time or a person heals it."""
        return self in {Cause.UNREACHABLE, Cause.BUSY} or self.at_once

    @property
    def given_up(self) -> bool:
        """Somebody does not want it any more: it ends, and is not tried again."""
        return self in {Cause.CANCELLED, Cause.WITHDRAWN}

    @property
    def at_once(self) -> bool:
        """No device is waited for: the next run finds out whether it may go on."""
        return self in {Cause.INTERRUPTED, Cause.STOPPED, Cause.AMENDED, Cause.HELD}


class WaitKind(StrEnum):
    """What a transaction waits for; what ends the wait wakes those of its kind."""

    WORK = "work"
    """a device, a lease, another try: time or other transactions end it"""
    TURN = "turn"
    """an order that changes the same service and was accepted before"""
    START = "start"
    """its requestedStartDate"""
    STOP = "stop"
    """a pause, freeze or change window"""
    DEPENDENCY = "dependency"
    """another item, or another order"""
    APPROVAL = "approval"
    """a person who looks at its plan"""
    HOLD = "hold"
    """somebody who put it on hold; its item is held"""
    INFORMATION = "information"
    """its requester, who has to say something more; its item is pending"""
    FALLOUT = "fallout"
    """a person who decides what becomes of it, for it failed; its item is held"""
    UNDO = "undo"
    """an order of ours that undoes what its own order had completed"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a transaction stands still; the reason is a sentence, ``who`` says who can help.

    ``until`` is the calendar's date before which it does not end (a start, a window), if there is one.
    """

    reason: str
    since: datetime
    wake_at: datetime
    who: str
    kind: WaitKind = WaitKind.WORK
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction row. ``deadline`` is when its waiting for ``deadline_of`` ends in failure.

    ``group_limit`` is how many may go together with it, once such a group had failed.
    """

    id: str
    tenant: str
    order: str
    position: int
    accepted: int
    stage: Stage
    run: int
    attempt: int
    token: int
    tries: int
    touched_at: datetime
    wait: Wait | None
    deadline: datetime | None
    design: catalogue.Design | None
    deadline_of: str | None = None
    faults: int = 0
    group_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a device undoes an unconfirmed commit: wall time for people, boot time for us."""

    wall: datetime
    boot: clock.BootTime

    def expired(self, now: clock.BootTime) -> bool:
        """Another boot counts as expired: then the device is read back (law 9)."""
        return self.left(now) <= 0

    def left(self, now: clock.BootTime) -> float:
        """Seconds until then; 0 when it is over or cannot be known any more."""
        if now.boot_id != self.boot.boot_id:
            return 0.0
        return max(0.0, self.boot.seconds - now.seconds)


@dataclass(frozen=True, slots=True)
class Participant:
    """One configuration store's part in one attempt; ``store`` "" is the platform's first.

    ``rung`` is how it took part, known once its device was asked. ``sent`` says that a commit of
    ours may have reached it, ``confirmed`` that the device itself said ok to our confirmation,
    ``pushed`` that it was changed again after the decision and has to be proven again.
    """

    transaction: str
    attempt: int
    device: str
    tenant: str
    platform: str
    state: State
    since: datetime
    token: int
    persist: str
    before: Tree
    target: Tree
    roots: tuple[Path, ...]
    snapshot: str
    snapshot_digest: str
    deadline: Deadline | None = None
    cause: Cause | None = None
    reason: str = ""
    who: str = ""
    outcome: str = ""
    store: str = ""
    rung: Rung | None = None
    sent: bool = False
    confirmed: bool = False
    pushed: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What it is among the participants of its attempt: device and store."""
        return (self.device, self.store)


@dataclass(frozen=True, slots=True)
class Decision:
    """The one decision of an attempt; ``culprit`` is the device that made it an abort."""

    verdict: Verdict
    cause: Cause
    reason: str
    culprit: str | None
    who: str
    at: datetime
