"""Decides what a simulated device remembers of what was done to it: append-only, for judges.

A history checker reads these entries instead of asking the device under test what it believes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can happen to a device."""

    SESSION = "session"
    CLOSE = "close"
    LOCK = "lock"
    UNLOCK = "unlock"
    EDIT = "edit"
    DISCARD = "discard"
    COMMIT = "commit"
    HOLD = "hold"
    """a confirmed commit, or a follow-up one"""
    CONFIRM = "confirm"
    CANCEL = "cancel"
    ROLLBACK = "rollback"
    """automatic: by timer or by the session's end"""
    SAVE = "save"
    BY_HAND = "by-hand"
    REBOOT = "reboot"
    REFUSED = "refused"
    FAULT = "fault"
    """an injected fault showed"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    ``at`` is seconds since the epoch. ``digest`` is SHA-256 hex: of the content for an edit, of
    running afterwards for what changes running, else "".
    """

    number: int
    at: float
    session: int
    kind: Kind
    digest: str = ""
    detail: str = ""

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))


class History:
    """The entries of one device, oldest first."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, session: int, kind: Kind, digest: str = "", detail: str = "") -> None:
        """Append one entry; nothing is ever taken away."""
        number = len(self._entries) + 1
        self._entries.append(Entry(number, self._now(), session, kind, digest, detail))

    def of(self, *kinds: Kind) -> tuple[Entry, ...]:
        """The entries of these kinds, oldest first."""
        return tuple(entry for entry in self._entries if entry.kind in kinds)
