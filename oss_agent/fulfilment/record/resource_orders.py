"""Resource orders (TMF652): every device change of a transaction belongs to exactly one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment.record import order_rows, tables
from oss_agent.spi import views

_PARENT, _CHILD = tables.resource_order, tables.resource_item
_INSERT_PARENT, _INSERT_CHILD = inserting.Insert(_PARENT), inserting.Insert(_CHILD)
_MINE = sa.and_(
    _PARENT.c.transaction_id == sa.bindparam("at_transaction"),
    _PARENT.c.state != views.OrderState.CANCELLED,
)
_STANDING = (
    sa.select(_CHILD.c.resource_order_id, _CHILD.c.device)
    .join(_PARENT, _PARENT.c.id == _CHILD.c.resource_order_id)
    .where(_MINE)
    .order_by(_PARENT.c.number)
)
_SET_PARENT = _PARENT.update().where(_PARENT.c.id == sa.bindparam("at_id"))
_SET_CHILD = _CHILD.update().where(_CHILD.c.resource_order_id == sa.bindparam("at_id"))
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Move:
    """The next state of one device change; ``texts`` may name ``change`` and ``reverse``, native text."""

    device: str
    state: views.OrderState
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


def open_all(
    connection: sa.Connection,
    *,
    order: str,
    transaction: str,
    tenant: str,
    ends: Sequence[tuple[str, str, views.ItemAction]],
    at: datetime,
) -> None:
    """One resource order per end (device, rfs, action), unless they are there already.

    Those of an earlier plan for devices that this one leaves alone are cancelled.
    """
    known = devices(connection, transaction)
    wanted = {device for device, _, _ in ends}
    gone = [Move(device, views.OrderState.CANCELLED) for device in set(known) - wanted]
    move(connection, transaction, gone, at)
    new = [
        (order_rows.next_number(connection, "resourceOrder"), end)
        for end in ends
        if end[0] not in known
    ]
    if not new:
        return
    whose = {"tenant": tenant, "state": views.OrderState.ACKNOWLEDGED}
    of = {"order_id": order, "transaction_id": transaction, "order_date": at}
    parents = [{"id": str(number), "number": number, **whose, **of} for number, _ in new]
    _INSERT_PARENT.several(connection, parents)
    _INSERT_CHILD.several(connection, [whose | _child(number, end) for number, end in new])


def _child(number: int, end: tuple[str, str, views.ItemAction]) -> dict[str, Any]:
    device, rfs, action = end
    return {
        "resource_order_id": str(number),
        "position": 1,
        "device": device,
        "rfs": rfs,
        "action": action,
        "change": "",
        "reverse": "",
    }


def move(connection: sa.Connection, transaction: str, moves: Sequence[Move], at: datetime) -> None:
    """Move the resource orders of some device changes; a final state is their end, at ``at``."""
    if not moves:
        return
    by_device = {one.device: one for one in moves}
    rows = connection.execute(_STANDING, {"at_transaction": transaction})
    found = [(row[0], by_device[row[1]]) for row in rows if row[1] in by_device]
    if found:
        connection.execute(_SET_PARENT, [_of_parent(key, one, at) for key, one in found])
        connection.execute(_SET_CHILD, [_of_child(key, one) for key, one in found])


def _of_parent(key: str, one: Move, at: datetime) -> dict[str, Any]:
    ended = at if one.state.final else None
    return {"at_id": key, "state": one.state, "completion_date": ended}


def _of_child(key: str, one: Move) -> dict[str, Any]:
    return {"at_id": key, "state": one.state, **one.texts}


def devices(connection: sa.Connection, transaction: str) -> tuple[str, ...]:
    """The devices that a transaction's resource orders name; not those that were cancelled."""
    rows = connection.execute(_STANDING, {"at_transaction": transaction})
    return tuple(row.device for row in rows)
