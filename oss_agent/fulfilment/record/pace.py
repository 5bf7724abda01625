"""How long items of a specification take, step by step: the last completed ones, remembered.

The marks are the milestones that an item's history shows anyway. Only undisturbed work counts: what
was done again, or waited for a person, says nothing of how long a step takes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.record.milestones import STEPS

REMEMBERED = 20
"""Completed items that are kept: enough for a quantile, recent enough to be true."""
ENOUGH = 5
"""With fewer than these nothing is said: it would be invented."""


Key: TypeAlias = tuple[str, str, str]
"""tenant, specification, action"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of each step, an entry a completed item; None for a step that says nothing."""

    samples: tuple[tuple[float | None, ...], ...] = ()

    @property
    def known(self) -> bool:
        """Is there enough to speak from?"""
        return len(self.samples) >= ENOUGH

    def seconds(self, step: int, share: float) -> float:
        """What ``share`` of the items needed at most for a step; of none the quickest."""
        took = sorted(one for sample in self.samples if (one := sample[step]) is not None)
        return took[max(0, math.ceil(share * len(took)) - 1)] if took else 0.0

    def left(self, done: int, passed: float, share: float) -> float:
        """Seconds after ``done`` steps and ``passed`` seconds of the next: never negative."""
        if done >= len(STEPS):
            return 0.0
        now = max(0.0, self.seconds(done, share) - max(0.0, passed))
        return now + sum(self.seconds(step, share) for step in range(done + 1, len(STEPS)))


def sample(
    ready: datetime | None, begun: datetime, marks: Mapping[str, datetime]
) -> tuple[float | None, ...] | None:
    """One item's steps in seconds; None when a mark is missing or the clock was set meanwhile. Pure.

    ``ready`` is when nothing but its turn was awaited any more; None when nobody knows.
    """
    if not all(name in marks for name in STEPS[1:]):
        return None
    moments = [begun, *(marks[name] for name in STEPS[1:])]
    took = [(b - a).total_seconds() for a, b in itertools.pairwise(moments)]
    queued = None if ready is None else (begun - ready).total_seconds()
    if min(took) < 0 or (queued is not None and queued < 0):
        return None
    return (queued, *took)


def of(connection: sa.Connection, tenant: str, names: Collection[str]) -> Mapping[Key, Pace]:
    """What is remembered of these specifications, by tenant, specification and action."""
    c = tables.pace.c
    asked = tables.pace.select().where(c.tenant == tenant, c.specification_id.in_(names))
    return {
        (row.tenant, row.specification_id, row.action): _pace(row.samples)
        for row in connection.execute(asked)
    }


def _pace(samples: Sequence[Sequence[float | None]]) -> Pace:
    whole = (tuple(one) for one in samples if len(one) == len(STEPS))
    return Pace(tuple(whole))


def remember(connection: sa.Connection, transaction: states.Transaction) -> None:
    """Keep what a completed item took; nothing when it was disturbed on its way."""
    row = _row(connection, transaction)
    if row is None:
        return
    marks = {name: datetime.fromisoformat(at) for name, at in row.milestones}
    took = sample(_ready(connection, transaction, row), row.begun, marks)
    if took is None:
        return
    key: Key = (transaction.tenant, row.specification_id, row.action)
    c, known = tables.pace.c, of(connection, key[0], [key[1]]).get(key)
    kept = [*(known.samples if known else ()), took][-REMEMBERED:]
    if known is None:
        named = dict(zip(("tenant", "specification_id", "action"), key, strict=True))
        connection.execute(tables.pace.insert().values(**named, samples=kept))
        return
    mine = sa.and_(c.tenant == key[0], c.specification_id == key[1], c.action == key[2])
    connection.execute(tables.pace.update().where(mine).values(samples=kept))


def _row(connection: sa.Connection, one: states.Transaction) -> sa.Row[Any] | None:
    """The item with what its pace is read from; None unless it went through at once."""
    item, order, resource = tables.item, tables.order, tables.resource_order
    begun = sa.select(sa.func.min(resource.c.order_date)).where(resource.c.transaction_id == one.id)
    asked = (
        sa.select(item, order.c.order_date, order.c.requested_start, tables.transaction.c.approved)
        .add_columns(begun.scalar_subquery().label("begun"))
        .join(order, order.c.id == item.c.order_id)
        .join(tables.transaction, tables.transaction.c.id == one.id)
        .where(item.c.order_id == one.order, item.c.position == one.position)
    )
    row = connection.execute(asked).one()
    through = one.attempt == 1 and row.approved is None and row.begun is not None
    return row if through else None


def _ready(connection: sa.Connection, one: states.Transaction, row: sa.Row[Any]) -> datetime | None:
    """Since when it could have begun; behind another item nobody knows afterwards."""
    c = tables.dependency.c
    behind = sa.select(c.on_order).where(c.order_id == one.order, c.position == one.position)
    if connection.execute(behind.limit(1)).first() is not None:
        return None
    ready: datetime = max(row.order_date, row.requested_start or row.order_date)
    return ready
