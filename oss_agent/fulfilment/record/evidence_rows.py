"""What was judged and kept: of the services themselves, for what was seen of neighbours is others'."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa

from oss_agent.fulfilment.record import tables
from oss_agent.spi import views

_E: Final = tables.evidence.c
_KEYS: sa.BindParameter[str] = sa.bindparam("keys", expanding=True)
_OWN: Final = (
    tables.evidence.select()
    .where(_E.transaction_id.in_(_KEYS), _E.service_id.is_(None))
    .order_by(_E.number)
)
"""Made once: to build a statement costs several times as much as to run it."""


def own(
    connection: sa.Connection, keys: Collection[str]
) -> Mapping[tuple[str, int], tuple[views.EvidenceView, ...]]:
    """By transaction or service test, and attempt: in the order in which it was kept."""
    found: dict[tuple[str, int], list[views.EvidenceView]] = {}
    for row in connection.execute(_OWN, {"keys": list(keys)}):
        found.setdefault((row.transaction_id, row.attempt), []).append(
            views.EvidenceView(
                kind=row.kind,
                device=row.device,
                outcome=row.outcome,
                reason=row.reason,
                at=row.at,
                values=row.values_seen,
                transcript=row.transcript,
                digest=row.digest,
            )
        )
    return {key: tuple(several) for key, several in found.items()}
