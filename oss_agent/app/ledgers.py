"""What exists, wired: the ledger that orders write, who makes planned and observed meet, the views."""

from __future__ import annotations

from dataclasses import dataclass

import inventory.ledgers.ledger_views
import inventory.ledgers.reconciler
import inventory.planning.ledger
from oss_agent.app import ground, tuning
from oss_agent.fulfilment.record import census
from oss_agent.spi import events


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledger, the role beside it, and what is shown of both."""

    ledger: inventory.planning.ledger.SqlLedger
    reconciler: inventory.ledgers.reconciler.Reconciler
    views: inventory.ledgers.ledger_views.LedgerPort


def build(on: ground.Ground, sink: events.EventSink) -> Ledgers:
    """Construct; what orders write is reconciled at once."""
    pace = tuning.ledgers(on.tree.discovery)
    reconciler = inventory.ledgers.reconciler.Reconciler(
        on.rows, on.time, census.services_in_work, pace
    )
    return Ledgers(
        inventory.planning.ledger.SqlLedger(on.time, sink, reconciler.touched),
        reconciler,
        inventory.ledgers.ledger_views.LedgerPort(on.rows, on.time, census.services_in_work),
    )
