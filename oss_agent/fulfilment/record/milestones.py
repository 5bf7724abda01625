"""What an item passes on its way, noted with its row once and told: few, each ends a step of the work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from oss_agent.fulfilment.record import announce, order_views, tables
from oss_agent.spi import events, views


class Milestone(StrEnum):
    """In the order in which an item passes them."""

    PLANNED = "planned"
    """what changes is written down, under the leases"""
    HELD = "held"
    """every device has it, unconfirmed, or with its undo armed"""
    PROVEN = "proven"
    """it was seen to work, and the decision to keep it is made"""
    COMPLETED = "completed"
    ROLLED_BACK = "rolledBack"
    """it was completed, and undone again because another item of its order failed"""


STEPS = ("queue", *(one for one in Milestone if one is not Milestone.ROLLED_BACK))
"""The steps of an item's work: until its turn comes, then what each milestone ends."""


_ITEM = tables.item
_MINE = sa.and_(
    _ITEM.c.order_id == sa.bindparam("at_order"), _ITEM.c.position == sa.bindparam("at_position")
)
_REACHED = sa.select(_ITEM.c.milestones).where(_MINE)
_NOTE = _ITEM.update().where(_MINE).values(milestones=sa.bindparam("noted"))
"""Made once, as every order passes here three times."""


def done(reached: Collection[str]) -> int:
    """How many steps these milestones have ended; 1 when its turn has come and it passed none. Pure."""
    return max((place for place, name in enumerate(STEPS) if name in reached), default=0) + 1


def reach(
    connection: sa.Connection, order: str, position: int, marks: Mapping[Milestone, datetime]
) -> tuple[Milestone, ...]:
    """Note what an item has passed, each once; returns what is new."""
    mine = {"at_order": order, "at_position": position}
    row = connection.execute(_REACHED, mine).one()
    known = {name for name, _ in row.milestones}
    new = [(name, at) for name, at in marks.items() if name not in known]
    if new:
        noted = [*row.milestones, *([name.value, views.as_json(at)] for name, at in new)]
        connection.execute(_NOTE, {**mine, "noted": noted})
    return tuple(name for name, _ in new)


def tell(
    connection: sa.Connection,
    sink: events.EventSink,
    order: str,
    position: int,
    reached: Collection[Milestone],
    at: datetime,
) -> None:
    """Tell that an item passed these: one event, with the order as it is now."""
    view = order_views.view(connection, order) if reached else None
    if view is not None:
        kind = events.EventKind.SERVICE_ORDER_MILESTONE
        mark = f"{position}-{'-'.join(reached)}"
        announce.of_order(connection, sink, kind, view, at, mark=mark)
