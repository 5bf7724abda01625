"""Auditors over a fulfilment world: the rooms as the daemon wires them, without their roles."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from device_models import drift as platform_drift
from inventory.drift import audit, drift_desk, drift_rows
from inventory.ledgers import case_desk
from inventory.rows import history, tables
from oss_agent.fulfilment.record import order_ends
from oss_agent.fulfilment.talk import audit_reader
from oss_agent.spi import drift
from tests.integration.fulfilment import world as worlds


def auditor(world: worlds.World, **others: Any) -> audit.Auditor:
    """One that reads twice without a pause; ``others`` replace its collaborators."""
    reader = audit_reader.AuditReader(world.drivers, world.lines, world.limits)
    whole: dict[str, Any] = {
        "reader": reader,
        "quiet": reader,
        "judgement": platform_drift.PlatformDrift(),
        "witness": reader,
        "ended": order_ends.ends,
    }
    return audit.Auditor(
        world.rows, audit.Collaborators(**(whole | others)), world.clock, confirm_after=0.0
    )


def desk(world: worlds.World, **others: Any) -> case_desk.CasePort:
    """Where a person decides about cases."""
    by_orders = drift_desk.DriftDesk(world.rows, auditor(world, **others), world.orders)
    outside = case_desk.Outside(deciders=dict.fromkeys(drift_rows.KINDS, by_orders))
    return case_desk.CasePort(world.rows, world.clock, outside)


async def found(world: worlds.World, device: str) -> list[tuple[str, str, str, str]]:
    """(kind, path, was, now) of what an audit tells."""
    told = await auditor(world).audit(device)
    assert not told.reason
    return [(one.kind.value, one.path, one.was, one.now) for one in told.differences]


async def cases(world: worlds.World) -> list[sa.RowMapping]:
    """The open cases of drift, by subject."""
    of = tables.cases
    asked = sa.select(of).where(history.current(of), of.c.kind.in_(tuple(drift.Kind)))
    asked = asked.order_by(of.c.subject)
    return list(await world.rows.read(lambda c: c.execute(asked).mappings().all()))


def services(inside: str) -> str:
    """What somebody types into a NETCONF router: XML below its services."""
    nc = "urn:ietf:params:xml:ns:netconf:base:1.0"
    return f'<services xmlns="urn:oss-agent:lab:services" xmlns:nc="{nc}">{inside}</services>'
