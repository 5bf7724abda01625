"""Decides from devices' own logs whether each change was made once, by one order, with nobody between.

Law (ii): every edit belongs to one order; a change is applied once (again only after it was proven
undone); no two transactions work on one device at a time; nothing is confirmed before the decision
to commit is on disk, nothing is undone after it; no device is left to its own timer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from oss_agent.testing.checker import stories
from oss_agent.testing.checker.facts import Device, Facts, Row, Violation
from oss_agent.testing.checker.stories import Entry, Span

LAW = "devices"
_UNDOES = frozenset({"cancel", "rollback", "reboot"})


def violations(facts: Facts) -> Iterator[Violation]:
    """Every device whose log tells of an edit too many, too few or too early."""
    spans = stories.spans(facts)
    for name, device in facts.devices.items():
        mine = [span for span in spans if span.device == name]
        yield from _overlapping(name, mine)
        story = stories.told(device.log, mine)
        yield from _strangers(name, story)
        yield from _between(name, story)
        yield from _Counting(facts, name, mine).of(story)
        yield from _decided(facts, name, story)
        yield from _left_alone(facts, name, device)


def _overlapping(name: str, spans: Sequence[Span]) -> Iterator[Violation]:
    for one, two in itertools.combinations(spans, 2):
        if one.begin < two.end and two.begin < one.end and one.transaction != two.transaction:
            sentence = (
                f"{name}: transactions {one.transaction} and {two.transaction} were at work there "
                "at the same time: the lease did not keep them apart"
            )
            yield Violation(LAW, sentence, [vars_of(one), vars_of(two)])


def vars_of(span: Span) -> Row:
    """A span as a row for people."""
    return {
        "transaction": span.transaction,
        "attempt": span.attempt,
        "begin": span.begin,
        "end": span.end,
    }


def _strangers(name: str, story: Sequence[Entry]) -> Iterator[Violation]:
    for entry in story:
        if entry.kind in {"edit", "hold", "commit"} and entry.transaction is None:
            sentence = f"{name}: a {entry.kind} belongs to no order, or to more than one"
            yield Violation(LAW, sentence, [entry.row])


def _between(name: str, story: Sequence[Entry]) -> Iterator[Violation]:
    """Nobody edits or commits between another's edit and its commit, or inside its hold."""
    holder: Entry | None = None
    staged: dict[int, Entry] = {}
    for entry in story:
        others = [x for x in (holder, *staged.values()) if x and x.transaction != entry.transaction]
        if entry.kind in {"edit", "hold", "commit"} and entry.transaction and others:
            sentence = (
                f"{name}: transaction {entry.transaction} ({entry.kind}) came between transaction "
                f"{others[0].transaction}'s edit and its end"
            )
            yield Violation(LAW, sentence, [others[0].row, entry.row])
        if entry.kind == "edit":
            staged[entry.row["session"]] = entry
        elif entry.kind in {"hold", "commit", "discard", "close"}:
            staged.pop(entry.row["session"], None)
        if entry.kind == "hold":
            holder = entry
        elif entry.kind in {"confirm", "commit"} | _UNDOES:
            holder = None


@dataclass(slots=True)
class _Change:
    """What a transaction's change is on a device now; ``before`` is running's digest without it."""

    applied: bool = False
    before: str = ""
    rows: list[Row] = field(default_factory=list[Row])


class _Counting:
    """Follows running through a log and counts how often each transaction's change was applied."""

    def __init__(self, facts: Facts, name: str, spans: Sequence[Span]) -> None:
        self._facts = facts
        self._name = name
        self._wants = {span.transaction: span.changes for span in spans}
        self._changes: dict[str, _Change] = {}
        self._held: str | None = None
        self._digest = ""

    def of(self, story: Sequence[Entry]) -> Iterator[Violation]:
        for entry in story:
            if entry.kind in {"hold", "commit"} and entry.transaction:
                yield from self._commit(entry, entry.transaction)
            elif entry.kind in _UNDOES and self._held:
                self._changes[self._held].applied = False
                self._changes[self._held].rows.append(entry.row)
            if entry.kind == "hold":
                self._held = entry.transaction
            elif entry.kind in {"confirm", "commit"} | _UNDOES:
                self._held = None
            if entry.kind == "reboot":
                self._forget()
            self._digest = entry.row["digest"] if _moves(entry) else self._digest
        yield from self._sum()

    def _forget(self) -> None:
        """A reboot takes what was not saved: whatever is made again after it is no second time."""
        for change in self._changes.values():
            change.applied = False

    def _commit(self, entry: Entry, transaction: str) -> Iterator[Violation]:
        change = self._changes.setdefault(transaction, _Change())
        change.rows.append(entry.row)
        if not change.applied:
            change.before = self._digest
            change.applied = entry.row["digest"] != self._digest
            return
        if not entry.edited and self._held == transaction:
            return  # a follow-up keeps what is held; it changes nothing
        if entry.kind == "commit" and entry.row["digest"] == change.before:
            change.applied = False  # pushed back: the proven undo of a device without a timer
            return
        sentence = f"{self._name}: transaction {transaction} was activated twice"
        yield Violation(LAW, sentence, list(change.rows))

    def _sum(self) -> Iterator[Violation]:
        if self._facts.expected.reboots:
            return  # what a reboot takes, and what is pushed again, configuration judges
        for transaction, wanted in self._wants.items():
            change = self._changes.get(transaction, _Change())
            completed = _completed(self._facts, transaction)
            if completed and _carried(self._facts, transaction):
                completed = (
                    False  # in the end another's commit had its change; its own did not stay
                )
            if wanted and change.applied is not completed:
                sentence = (
                    f"{self._name}: transaction {transaction} "
                    f"{'completed' if completed else 'did not complete'}, and its change "
                    f"{'stands' if change.applied else 'was never made, or undone'}"
                )
                yield Violation(LAW, sentence, list(change.rows))


def _moves(entry: Entry) -> bool:
    return entry.kind in {"hold", "commit", "confirm", "by-hand"} | _UNDOES


def _completed(facts: Facts, transaction: str) -> bool:
    order, _, position = transaction.rpartition("-")
    items = facts.rows("ord_item", order_id=order, position=int(position))
    return any(item["state"] == "completed" for item in items)


def _carried(facts: Facts, transaction: str) -> bool:
    """Was it a group's in its last attempt? Who leads it is judged as itself."""
    return any(row["leader"] for row in facts.rows("ord_transaction", id=transaction))


def _decided(facts: Facts, name: str, story: Sequence[Entry]) -> Iterator[Violation]:
    held: str | None = None
    for entry in story:
        if entry.kind == "hold":
            held = entry.transaction
        elif entry.kind == "confirm" and held:
            yield from _before_decision(facts, name, held, entry)
            held = None
        elif entry.kind in _UNDOES and held:
            if entry.kind == "cancel":
                yield from _after_decision(facts, name, held, entry)
            held = None


def _before_decision(facts: Facts, name: str, held: str, entry: Entry) -> Iterator[Violation]:
    commits = list(facts.rows("ord_decision", transaction_id=held, verdict="commit"))
    at = min((stories.seconds(row["at"]) for row in commits), default=None)
    if at is None or at > entry.row["at"]:
        sentence = (
            f"{name}: transaction {held} was confirmed before a decision to commit was written"
        )
        yield Violation(LAW, sentence, [entry.row, *commits])


def _after_decision(facts: Facts, name: str, held: str, entry: Entry) -> Iterator[Violation]:
    for row in facts.rows("ord_decision", transaction_id=held, verdict="commit"):
        if stories.seconds(row["at"]) < entry.row["at"]:
            sentence = f"{name}: transaction {held} was cancelled after it was decided to commit"
            yield Violation(LAW, sentence, [entry.row, row])


def _left_alone(facts: Facts, name: str, device: Device) -> Iterator[Violation]:
    if device.pending:
        yield Violation(LAW, f"{name}: a confirmed commit still waits for its end", device.log[-3:])
    for row in device.log:
        if row["kind"] == "rollback" and row["detail"] == "timeout" and not facts.expected.timers:
            sentence = f"{name}: nobody ended a confirmed commit; the device's own timer did"
            yield Violation(LAW, sentence, [row])
