"""Who is in charge of which kinds of case, and how a decision about one is audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

import inventory.ledgers.case_desk
from oss_agent import audit, store
from oss_agent.spi import cases, clock


def build(
    rows: store.SqlStore,
    time: clock.Clock,
    decided: Callable[[str], None],
    deciders: Mapping[str, cases.Decider],
) -> inventory.ledgers.case_desk.CasePort:
    """The desk; ``deciders`` carry out reverts and adoptions, by kind of case."""
    outside = inventory.ledgers.case_desk.Outside(decided, _audited, deciders)
    return inventory.ledgers.case_desk.CasePort(rows, time, outside)


def _audited(connection: sa.Connection, case: cases.CaseView) -> None:
    if case.decision is None or case.decided_by is None or case.decided_at is None:
        return  # nothing was decided
    detail = {
        "subject": case.subject,
        "kind": case.kind,
        "evidence": case.evidence,
        "reason": case.reason,
        "until": case.until.isoformat() if case.until else None,
        "begun": case.begun,
    }
    entry = audit.Entry(
        case.tenant,
        case.decided_at,
        case.decided_by,
        f"case {case.decision}",
        f"case:{case.id}",
        detail,
    )
    audit.append(connection, entry)
