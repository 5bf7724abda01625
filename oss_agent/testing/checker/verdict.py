"""Decides about all laws at once; what is not judged is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oss_agent.testing.checker import allocations, configuration, devices, orders, telling
from oss_agent.testing.checker.facts import Facts, Violation

NOT_JUDGED: Mapping[str, str] = {
    "traps": "received = alarms updated + coalesced + shed: no traps are sent while the agent is "
    "killed; tests/integration/test_assurance.py counts them"
}
"""What a judgement says nothing about, and where it is judged instead."""


def judge(facts: Facts) -> tuple[Violation, ...]:
    """Every violation, in the order of the laws (i) to (v), and of the audit chain (vii).

    Before all: a database that is damaged itself.
    """
    rooms = (orders, devices, configuration, allocations, telling)
    found = [violation for room in rooms for violation in room.violations(facts)]
    return (*_store(facts), *found, *_audit(facts))


def _store(facts: Facts) -> Iterator[Violation]:
    for words in facts.damage:
        yield Violation("store", f"the database is damaged: {words}")


def _audit(facts: Facts) -> Iterator[Violation]:
    if facts.audit is not None:
        rows = list(facts.rows("aud_entry", number=facts.audit))
        yield Violation("audit", f"entry {facts.audit} is not as it was written", rows)
