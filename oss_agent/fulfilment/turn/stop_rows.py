"""The rows of stops: set, lifted, and read by whoever is about to write to a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import plain, states, tables
from oss_agent.fulfilment.turn import stops as stop_rules
from oss_agent.fulfilment.turn import waits
from oss_agent.spi import stops

_C = tables.stop.c
_STANDING = (
    tables.stop.select()
    .where(
        _C.tenant == sa.bindparam("at_tenant"),
        _C.lifted_at.is_(None),
        sa.or_(_C.ends.is_(None), _C.ends > sa.bindparam("now")),
    )
    .order_by(_C.begins, _C.number)
)
"""Made once: every transaction asks it several times."""


def standing(connection: sa.Connection, tenant: str, at: datetime) -> tuple[stops.StopView, ...]:
    """Not lifted and not over, those that begin first first."""
    rows = connection.execute(_STANDING, {"at_tenant": tenant, "now": at})
    return tuple(_view(row) for row in rows)


def keeps(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> states.Wait | None:
    """Why this transaction may not start at these devices now, None when it may."""
    stopped = standing(connection, transaction.tenant, at)
    if not stopped and not p.limits.windows:
        return None  # the usual case, and a snapshot of the network costs more than all the rest
    known = p.ledger.snapshot(connection, transaction.tenant).devices
    places = [
        stop_rules.Place(name, known[name].site, known[name].platform)
        for name in devices
        if name in known
    ]
    why = stop_rules.wait(stopped, p.limits.windows, places, at, p.limits.stopped_look)
    return why and dataclasses.replace(why, since=waits.since(transaction, at))


def put(
    connection: sa.Connection,
    tenant: str,
    request: stops.StopRequest,
    *,
    cause: stops.Cause,
    by: str,
    at: datetime,
) -> stops.StopView:
    """Set a stop; the very same one that stands already is not set twice."""
    reason, begins = plain.line(request.reason), request.begins or at
    wanted = (request.scope, request.name, reason, request.ends)
    for known in standing(connection, tenant, at):
        same = (known.scope, known.name, known.reason, known.ends) == wanted
        # one that begins later is another: writes would go on until then
        if same and known.begins <= begins:
            return known
    row = tables.stop.insert().values(
        tenant=tenant,
        scope=request.scope,
        name=request.name,
        reason=reason,
        cause=cause,
        set_by=plain.line(by),
        begins=begins,
        ends=request.ends,
    )
    number = connection.execute(row.returning(tables.stop.c.number)).scalar_one()
    return _one(connection, number)


def lift(
    connection: sa.Connection, tenant: str, number: int, *, by: str, at: datetime
) -> stops.StopView | None:
    """End a stop; None when there is no such one standing."""
    c = tables.stop.c
    ended = tables.stop.update().where(
        c.tenant == tenant, c.number == number, c.lifted_at.is_(None)
    )
    if connection.execute(ended.values(lifted_at=at, lifted_by=plain.line(by))).rowcount == 0:
        return None
    return _one(connection, number)


def wake(connection: sa.Connection, tenant: str, at: datetime) -> None:
    """Let everything that a stop keeps from starting look now."""
    of = tables.transaction
    stopped = of.update().where(of.c.tenant == tenant, of.c.wait_kind == states.WaitKind.STOP)
    connection.execute(stopped.values(wake_at=at))


def _one(connection: sa.Connection, number: int) -> stops.StopView:
    asked = tables.stop.select().where(tables.stop.c.number == number)
    return _view(connection.execute(asked).one())


def _view(row: sa.Row[Any]) -> stops.StopView:
    return stops.StopView(
        id=row.number,
        scope=stops.Scope(row.scope),
        name=row.name,
        reason=row.reason,
        cause=stops.Cause(row.cause),
        set_by=row.set_by,
        begins=row.begins,
        ends=row.ends,
    )
