"""Decides whether a person must look at a plan before anything is sent, and keeps what was planned.

An approval is for one hash of native edits: what is sent is what was seen. The plan is made anew
under the leases; when it has another hash, the order waits and shows both. While it waits it keeps
what it reserved, but no lease: other orders go on.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import limits, parts
from oss_agent.fulfilment.record import journal, order_rows, states, tables
from oss_agent.fulfilment.turn import leases
from oss_agent.spi import orders, views

_KEPT = 1_000
"""Plans kept per tenant; a dry-run writes one, so there must be an end."""
_SHORTEST = 12
"""Characters of a hash that are shown to people, and enough to name a plan."""
_APPROVED = sa.select(tables.transaction.c.approved).where(
    tables.transaction.c.id == sa.bindparam("at_id")
)
"""Made once: every transaction asks it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent: native text by participant, its hash, and how many devices it is."""

    hash: str
    natives: Mapping[str, str]
    devices: int


def asked_for(bounds: limits.Limits, devices: int, approved: str | None, found: str) -> str | None:
    """Why a person must look at the plan ``found`` first, None when it may run. Pure.

    A plan that changes no device needs nobody: there is nothing to look at.
    """
    if approved == found or devices == 0:
        return None
    if approved is not None:
        return f"the plan is another one than was approved ({approved[:12]} then, {found[:12]} now)"
    if bounds.approval == "always":
        return "here a person approves every plan"
    if bounds.approval == "large" and devices > bounds.large_devices:
        return f"it changes {devices} devices, more than {bounds.large_devices}"
    return None


def hold(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    made: Plan,
    at: datetime,
) -> bool:
    """Put the transaction to sleep until a person approves this plan; False when it may run."""
    approved, found = _approved(connection, transaction.id), made.hash
    why = asked_for(p.limits, made.devices, approved, found)
    if why is None:
        return False
    keep(connection, transaction.tenant, made, at)
    leases.release(connection, transaction.id, at)
    order = f"oss-agent order approve {transaction.order} --hash {found}"
    who = "an operator" if orders.of_resources(transaction.order) else "whoever may order"
    rest = states.Wait(
        reason=f"approval of plan {found[:12]}: {why}",
        since=_since(transaction, at),
        wake_at=at + timedelta(seconds=p.limits.approve_within),
        who=f"{who}: {order}",
        kind=states.WaitKind.APPROVAL,
    )
    # What it waited for before is over: a device's hour does not pass while a person thinks.
    journal.wait(connection, transaction, rest, hash=found, deadline=None, deadline_of=None)
    return True


def _since(transaction: states.Transaction, at: datetime) -> datetime:
    wait = transaction.wait
    return wait.since if wait and wait.kind is states.WaitKind.APPROVAL else at


def overdue(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> bool:
    """Has it waited as long as it may, and still nobody approved that plan?"""
    wait = transaction.wait
    if wait is None or wait.kind is not states.WaitKind.APPROVAL:
        return False
    of = tables.transaction
    planned = sa.select(of.c.id).where(of.c.id == transaction.id, of.c.approved == of.c.hash)
    approved = connection.execute(planned).first() is not None
    return not approved and at >= wait.since + timedelta(seconds=p.limits.approve_within)


def approve(connection: sa.Connection, tenant: str, order: str, wanted: str, at: datetime) -> str:
    """Approve what an order's item waits for; the item's id. NotFound, or refused for another plan.

    The transaction plans anew and runs only when it comes to the same hash again.
    """
    of = tables.transaction
    asked = of.select().where(
        of.c.tenant == tenant, of.c.order_id == order, of.c.wait_kind == states.WaitKind.APPROVAL
    )
    waiting = {row.hash: row for row in connection.execute(asked)}
    if not waiting:
        raise errors.NotFound(f"a plan of order {ascii(order)[:40]} that waits for approval")
    chosen = [row for found, row in waiting.items() if found.startswith(wanted)]
    if len(chosen) != 1 or len(wanted) < _SHORTEST:
        raise errors.OrderRejected(
            f"it waits with plan {', '.join(waiting)}: look at it, then approve that one",
            field="hash",
            status=409,
            code="anotherPlan",
        )
    row = chosen[0]
    connection.execute(of.update().where(of.c.id == row.id).values(approved=row.hash, wake_at=at))
    return order_rows.request_of(connection, order, row.position).id


def keep(connection: sa.Connection, tenant: str, made: Plan, at: datetime) -> None:
    """Remember what a hash stands for, the newest thousand of a tenant."""
    of = tables.plan
    known = sa.and_(of.c.tenant == tenant, of.c.hash == made.hash)
    if connection.execute(of.update().where(known).values(at=at)).rowcount == 0:
        row = of.insert().values(tenant=tenant, hash=made.hash, at=at, natives=dict(made.natives))
        connection.execute(row)
    newest = sa.select(of.c.at).where(of.c.tenant == tenant).order_by(of.c.at.desc())
    oldest = connection.execute(newest.limit(1).offset(_KEPT - 1)).scalar_one_or_none()
    if oldest is not None:
        connection.execute(of.delete().where(of.c.tenant == tenant, of.c.at < oldest))


def show(connection: sa.Connection, tenant: str, order: str) -> tuple[views.PlanView, ...]:
    """The plans of an order's items: what is planned, what was approved, and what differs."""
    of = tables.transaction
    asked = of.select().where(of.c.tenant == tenant, of.c.order_id == order)
    return tuple(
        _view(connection, tenant, row, order_rows.request_of(connection, order, row.position).id)
        for row in connection.execute(asked.order_by(of.c.position))
    )


def _view(
    connection: sa.Connection, tenant: str, row: sa.Row[tuple[object, ...]], item: str
) -> views.PlanView:
    waits_for = row.wait_kind == states.WaitKind.APPROVAL
    now = _natives(connection, tenant, row.hash)
    then = _natives(connection, tenant, row.approved) if row.approved != row.hash else now
    return views.PlanView(
        item=item,
        hash=row.hash,
        approved=row.approved,
        waits=waits_for,
        natives=now,
        difference=difference(then, now) if row.approved else "",
    )


def difference(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Two plans side by side as one unified diff; "" when they are the same. Pure."""
    lines: list[str] = []
    for name in sorted({*then, *now}):
        old, new = then.get(name, "").splitlines(), now.get(name, "").splitlines()
        lines += difflib.unified_diff(old, new, f"approved {name}", f"now {name}", lineterm="")
    return "\n".join(lines)


def _natives(connection: sa.Connection, tenant: str, found: str | None) -> Mapping[str, str]:
    of = tables.plan
    asked = sa.select(of.c.natives).where(of.c.tenant == tenant, of.c.hash == found)
    row = connection.execute(asked).one_or_none()
    return {} if row is None else dict(row.natives or {})


def _approved(connection: sa.Connection, transaction: str) -> str | None:
    approved: str | None = connection.execute(_APPROVED, {"at_id": transaction}).scalar_one()
    return approved
