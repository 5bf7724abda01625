"""Decides whose change of a service comes first: that of the order which was accepted first.

Devices are taken first come first served among those that wait for them; who sleeps before another
try is in no queue. Without this an order that came later would be carried out before it, and what
the customer wished last would be written over by what was wished before.

Who stands behind one sleeps until that one has ended, or has given its turn away: both wake it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment.record import states, tables

_ITEM, _OF = tables.item.c, tables.transaction.c
_OTHER = tables.item.alias("other")
_BY_ITSELF = (states.WaitKind.WORK, states.WaitKind.TURN, states.WaitKind.STOP)
"""Waits that end without anybody of the order: who waits for a person or a date has given its turn away."""
_BEFORE = (
    sa.select(_OF.order_id)
    .select_from(
        tables.item.join(
            _OTHER,
            sa.and_(_OTHER.c.service_id == _ITEM.service_id, _OTHER.c.tenant == _ITEM.tenant),
        ).join(
            tables.transaction,
            sa.and_(_OF.order_id == _OTHER.c.order_id, _OF.position == _OTHER.c.position),
        )
    )
    .where(
        _ITEM.order_id == sa.bindparam("at_order"),
        _ITEM.position == sa.bindparam("at_position"),
        _OF.accepted < sa.bindparam("at_accepted"),
        _OF.stage != states.Stage.CLOSED,
        sa.or_(_OF.wait_kind.is_(None), _OF.wait_kind.in_(_BY_ITSELF)),
    )
    .order_by(_OF.accepted)
    .limit(1)
)
_BEHIND = (
    sa.select(_OTHER.c.order_id, _OTHER.c.position)
    .join(
        tables.item,
        sa.and_(_OTHER.c.service_id == _ITEM.service_id, _OTHER.c.tenant == _ITEM.tenant),
    )
    .where(
        _ITEM.order_id == sa.bindparam("at_order"), _ITEM.position == sa.bindparam("at_position")
    )
)
_WAKE = tables.transaction.update().where(
    _OF.stage == states.Stage.WAITING,
    _OF.wait_kind == states.WaitKind.TURN,
    _OF.accepted > sa.bindparam("at_accepted"),
    sa.tuple_(_OF.order_id, _OF.position).in_(_BEHIND),
)
"""Made once: to build a statement costs several times as much as to run it."""


def before(connection: sa.Connection, one: states.Transaction) -> str | None:
    """The order that changes the same service, was accepted before and is at work; None without one."""
    mine = {"at_order": one.order, "at_position": one.position, "at_accepted": one.accepted}
    found: str | None = connection.execute(_BEFORE, mine).scalar_one_or_none()
    return found


def stands(wait: states.Wait) -> bool:
    """Does who waits so keep its turn?"""
    return wait.kind in _BY_ITSELF


def wake(connection: sa.Connection, one: states.Transaction, at: datetime) -> None:
    """Let those that stand behind it look now: it has ended, or given its turn away."""
    mine = {"at_order": one.order, "at_position": one.position, "at_accepted": one.accepted}
    connection.execute(_WAKE, {**mine, "wake_at": at})
