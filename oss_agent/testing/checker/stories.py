"""Decides which transaction each entry of a device's log belongs to.

A confirmed commit names its transaction by its persist-id. What carries no name (a plain commit, a
rung without persist) belongs to the transaction that was at work on that device at that time with
a node of its own in the edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oss_agent.testing.checker.facts import Facts, Row

PLANNED = "planned on"
OVER = ("undone, ", "held: ")
"""An attempt is over: it is done again, or a person decides about it."""


@dataclass(frozen=True, slots=True)
class Span:
    """An attempt's work on one device: from its plan to its report, seconds since the epoch."""

    transaction: str
    attempt: int
    device: str
    begin: float
    end: float
    participants: tuple[Row, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Key values of its own nodes: what its edits must mention."""
        roots = [step for one in self.participants for root in one["roots"] for step in root]
        return tuple({str(value) for step in roots for _, value in _keys(step)})

    @property
    def changes(self) -> bool:
        """Does it want anything changed there?"""
        return any(one["before"] != one["target"] for one in self.participants)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log, with its transaction: None when nobody's.

    ``edited``: a commit of edits, not a mere follow-up of a confirmed commit (RFC 6241 8.4.1).
    """

    row: Row
    transaction: str | None
    edited: bool = False

    @property
    def kind(self) -> str:
        """See ``testing.simulated.history.Kind``."""
        return str(self.row["kind"])


def seconds(stamp: str) -> float:
    """RFC 3339 text as seconds since the epoch."""
    return datetime.fromisoformat(stamp).timestamp()


def spans(facts: Facts) -> tuple[Span, ...]:
    """Every attempt that got as far as a plan, per device, by its beginning."""
    found: list[Span] = []
    for transaction in facts.rows("ord_transaction"):
        notes = list(facts.rows("ord_history", transaction_id=transaction["id"]))
        begins = [seconds(row["at"]) for row in notes if row["text"].startswith(PLANNED)]
        ends = [seconds(row["at"]) for row in notes if row["text"].startswith(OVER)]
        if transaction["closed_at"] is not None:
            ends.append(seconds(transaction["closed_at"]))
        for attempt in range(1, transaction["attempt"] + 1):
            begin, end = _around(facts, transaction, attempt, begins, ends)
            found += _per_device(facts, transaction, attempt, begin, end)
    return tuple(sorted(found, key=lambda span: span.begin))


def _around(
    facts: Facts, transaction: Row, attempt: int, begins: Sequence[float], ends: Sequence[float]
) -> tuple[float, float]:
    """From the last plan before an attempt's decision to the first end after it.

    Not the n-th plan for the n-th attempt: a transaction that another one carries is planned too,
    and what it did then is the other's attempt.
    """
    decisions = facts.rows("ord_decision", transaction_id=transaction["id"], attempt=attempt)
    at = min((seconds(row["at"]) for row in decisions), default=float("inf"))
    begin = max((one for one in begins if one <= at), default=at)
    return begin, min((one for one in ends if one >= at), default=float("inf"))


def _per_device(
    facts: Facts, transaction: Row, attempt: int, begin: float, end: float
) -> Iterator[Span]:
    rows = list(facts.rows("ord_participant", transaction_id=transaction["id"], attempt=attempt))
    for device in sorted({row["device"] for row in rows}):
        theirs = tuple(row for row in rows if row["device"] == device)
        yield Span(transaction["id"], attempt, device, begin, end, theirs)


def told(log: Sequence[Row], spans: Sequence[Span]) -> tuple[Entry, ...]:
    """A device's log with the transaction of every edit and commit."""
    owners: dict[int, str | None] = {}
    edited: set[int] = set()
    staged: dict[int, list[Row]] = {}
    for row in log:
        session, kind = row["session"], row["kind"]
        if kind == "edit":
            staged.setdefault(session, []).append(row)
        elif kind in {"hold", "commit", "confirm"}:
            edits = staged.pop(session, [])
            owner = _named(row) or _owner(edits, spans, row["at"])
            edited |= {row["number"]} if edits else set()
            for one in (*edits, row):
                owners[one["number"]] = owner
        elif kind in {"discard", "close"}:
            for one in staged.pop(session, []):
                owners[one["number"]] = _owner([one], spans, one["at"])
    return tuple(
        Entry(row, owners.get(row["number"]), edited=row["number"] in edited) for row in log
    )


def _named(row: Row) -> str | None:
    """``within 60 persist 12-1.3`` names transaction 12-1."""
    _, found, persist = str(row["detail"]).partition("persist ")
    return persist.rpartition(".")[0] if found and "." in persist else None


def _owner(edits: Sequence[Row], spans: Sequence[Span], at: float) -> str | None:
    text = " ".join(str(row["detail"]) for row in edits)
    theirs = {
        span.transaction
        for span in spans
        if span.begin - _SLACK <= at <= span.end + _SLACK and any(w in text for w in span.words)
    }
    return theirs.pop() if len(theirs) == 1 else None


_SLACK = 0.01
"""Our stamps are whole milliseconds, the devices' are not."""


def _keys(step: Any) -> Sequence[Sequence[str]]:
    pairs: Sequence[Sequence[str]] = step.get("keys", ()) if isinstance(step, dict) else step[1]
    return pairs
