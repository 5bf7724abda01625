"""The rows of evidence: what was asked, what was seen, whose it is; kept with the order for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import plain, states, tables
from oss_agent.spi import proof

HELD = "held"
"""Judged inside the window."""
BASELINE = "baseline"
"""Judged before the first commit."""
TEST = "test"
"""Judged because somebody asked."""
_INSERT = inserting.Insert(tables.evidence)
_C = tables.evidence.c
_BASELINE = sa.select(_C.service_id, _C.about, _C.outcome).where(
    _C.transaction_id == sa.bindparam("at_transaction"),
    _C.attempt == sa.bindparam("at_attempt"),
    _C.stage == BASELINE,
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The neighbour whose predicate it is, and when and about what it was asked."""

    service: str
    tenant: str
    stage: str
    about: str


def keep(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    found: Iterable[tuple[proof.Verdict, Whose | None]],
) -> None:
    """Write verdicts down, in this order; those that are nobody's else are the order's own."""
    rows = [_row(p, transaction, verdict, whose) for verdict, whose in found]
    if rows:
        _INSERT.several(connection, rows)


def _row(
    p: parts.Parts,
    transaction: states.Transaction,
    verdict: proof.Verdict,
    whose: Whose | None,
) -> dict[str, Any]:
    own = {
        "tenant": whose.tenant if whose else transaction.tenant,
        "transaction_id": transaction.id,
        "attempt": transaction.attempt,
        "service_id": whose.service if whose else None,
        "stage": whose.stage if whose else HELD,
        "about": whose.about if whose else "",
    }
    return own | _seen(p, verdict)


def keep_of_test(
    connection: sa.Connection, p: parts.Parts, test: str, tenant: str, verdict: proof.Verdict
) -> None:
    """Write down what a service test saw; its id stands where a transaction's would."""
    own = {"tenant": tenant, "transaction_id": test, "attempt": 0, "stage": TEST}
    _INSERT.one(connection, own | _seen(p, verdict))


def _seen(p: parts.Parts, verdict: proof.Verdict) -> dict[str, Any]:
    seen = verdict.observation
    transcript = plain.transcript(seen.transcript if seen else "")
    return {
        "kind": verdict.predicate.kind,
        "device": verdict.predicate.device,
        "outcome": verdict.outcome,
        "reason": plain.line(verdict.reason),
        "at": seen.at if seen else p.clock.now(),
        "values_seen": dict(seen.values) if seen else {},
        "transcript": transcript,
        "digest": hashlib.sha256(transcript.encode()).hexdigest(),
    }


def baseline(
    connection: sa.Connection, transaction: states.Transaction
) -> Mapping[tuple[str, str], str]:
    """(service, about) -> outcome, as it was before this attempt's first commit."""
    mine = {"at_transaction": transaction.id, "at_attempt": transaction.attempt}
    rows = connection.execute(_BASELINE, mine)
    return {(row.service_id, row.about): row.outcome for row in rows}
