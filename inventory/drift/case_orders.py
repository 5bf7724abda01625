"""Decides when a case is open again that a revert or an adoption had taken up: its order came to nothing.

Told in the unit in which the order ends; and by each audit, which finds what ended unheard (before the
decision was stored, or before this was built) and what is seen again although its order was completed.
What was tried stays with the case, so that no rule of a platform tries it for ever: that is a person's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi import events
from oss_agent.spi.cases import Decision

REQUESTER: Final = "oss-agent"
"""Who orders what a decision about a case comes to."""
Ended: TypeAlias = Callable[[sa.Connection, Collection[str]], Mapping[str, str]]
"""Of those of these orders that have ended, how, in a sentence; "" of those that were completed."""
_T, _C = tables.cases, tables.cases.c
_BEGUN: Final = sa.and_(
    history.current(_T), _C.decision.in_((Decision.REVERT.value, Decision.ADOPT.value))
)
_OF_ORDER: Final = sa.select(_T).where(_BEGUN, _C.begun == sa.bindparam("at_order"))
_ON_DEVICE: Final = sa.select(_T).where(_BEGUN, _C.device == sa.bindparam("at_device"))
"""Made once: to build a statement costs several times as much as to run it."""
_ENDINGS: Final = frozenset(
    {events.EventKind.SERVICE_ORDER_STATE, events.EventKind.RESOURCE_ORDER_STATE}
)
_LONGEST: Final = 500


class Hearing:
    """An event sink before another one: what ends an order reaches the cases in the same unit."""

    def __init__(self, sink: events.EventSink, ended: Ended) -> None:
        self._sink = sink
        self._ended = ended

    def append(self, connection: sa.Connection, event: events.Event) -> None:
        """Pass it on; cases whose order ended by it are open again, unless it was completed."""
        self._sink(connection, event)
        if event.kind in _ENDINGS and event.payload.get("requester") == REQUESTER:
            order = str(event.payload["id"])
            rows = connection.execute(_OF_ORDER, {"at_order": order}).mappings().all()
            ends = self._ended(connection, [order]) if rows else {}
            _reopen(connection, [(row, ends[order]) for row in rows if ends.get(order)], event.at)


def review(
    connection: sa.Connection, device: str, ended: Ended, at: datetime, *, seen: bool
) -> None:
    """After an audit: ``seen`` says that what the device's cases tell was seen by it just now."""
    rows = connection.execute(_ON_DEVICE, {"at_device": device}).mappings().all()
    ends = ended(connection, sorted({row["begun"] for row in rows})) if rows else {}
    told = [(row, ends[row["begun"]]) for row in rows if row["begun"] in ends]
    again = [(row, how or _again(row)) for row, how in told if how or seen]
    _reopen(connection, again, at)


def _again(row: Mapping[Any, Any]) -> str:
    return f"order {row['begun']} ({row['decision']}) was completed, and it is seen again"


def _reopen(
    connection: sa.Connection, which: Collection[tuple[Mapping[Any, Any], str]], at: datetime
) -> None:
    """A version without the decision; ``begun`` and ``reason`` say what was tried and why it failed."""
    changes = [
        (
            row,
            {
                "since": row["since"] or row["valid_from"],
                "decision": None,
                "decided_by": None,
                "decided_at": None,
                "reason": why[:_LONGEST],
            },
        )
        for row, why in which
    ]
    history.replace(connection, _T, changes, at)
