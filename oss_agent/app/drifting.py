"""Drift, wired: who compares what devices hold with what was read back, and who decides about it."""

from __future__ import annotations

from dataclasses import dataclass

import inventory.drift.audit
import inventory.drift.audits
import inventory.drift.drift_desk
import inventory.drift.drift_rows
import inventory.ledgers.case_desk
from device_models import drift
from oss_agent.app import case_desk, ground, hints, tuning
from oss_agent.assurance import schedule
from oss_agent.fulfilment import order, parts
from oss_agent.fulfilment.record import order_ends
from oss_agent.fulfilment.talk import audit_reader


@dataclass(frozen=True, slots=True)
class Drifting:
    """The role, and the desk where its cases (and all others) are decided."""

    audits: inventory.drift.audits.Audits
    cases: inventory.ledgers.case_desk.CasePort


def build(on: ground.Ground, of: parts.Parts, told: hints.Hints) -> Drifting:
    """Construct; what is decided about a device has it looked at again."""
    auditor = _auditor(on, audit_reader.AuditReader(of.drivers, of.lines, of.limits))
    by_orders = inventory.drift.drift_desk.DriftDesk(on.rows, auditor, order.ServiceOrders(of))
    deciders = dict.fromkeys(inventory.drift.drift_rows.KINDS, by_orders)
    cases = case_desk.build(on.rows, on.time, told.changed, deciders)
    pace = tuning.audits(on.tree.discovery)
    return Drifting(
        inventory.drift.audits.Audits(on.rows, auditor, cases, on.time, schedule.due, pace), cases
    )


def _auditor(on: ground.Ground, reader: audit_reader.AuditReader) -> inventory.drift.audit.Auditor:
    others = inventory.drift.audit.Collaborators(
        reader, reader, drift.PlatformDrift(), reader, order_ends.ends
    )
    return inventory.drift.audit.Auditor(on.rows, others, on.time)
