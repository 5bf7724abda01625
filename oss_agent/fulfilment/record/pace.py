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


_OF = tables.pace.select().where(
    tables.pace.c.tenant == sa.bindparam("at_tenant"),
    tables.pace.c.specification_id == sa.bindparam("at_specification"),
)
"""Of one, for a list of names is put together anew each time, and an order mostly names one."""


def of(connection: sa.Connection, tenant: str, names: Collection[str]) -> Mapping[Key, Pace]:
    """What is remembered of these specifications, by tenant, specification and action."""
    asked = [{"at_tenant": tenant, "at_specification": name} for name in names]
    rows = [row for one in asked for row in connection.execute(_OF, one)]
    return {(row.tenant, row.specification_id, row.action): _pace(row.samples) for row in rows}


def _pace(samples: Sequence[Sequence[float | None]]) -> Pace:
    whole = (tuple(one) for one in samples if len(one) == len(STEPS))
    return Pace(tuple(whole))


_P, _I, _T = tables.pace, tables.item, tables.transaction
_KEY = sa.and_(
    _P.c.tenant == sa.bindparam("at_tenant"),
    _P.c.specification_id == sa.bindparam("at_specification"),
    _P.c.action == sa.bindparam("at_action"),
)
_KEPT = sa.select(_P.c.samples).where(_KEY)
_KEEP = _P.update().where(_KEY).values(samples=sa.bindparam("kept"))
_BEGUN = sa.select(sa.func.min(tables.resource_order.c.order_date)).where(
    tables.resource_order.c.transaction_id == _T.c.id
)
_D = tables.dependency.c
_BEHIND = sa.exists().where(_D.order_id == _I.c.order_id, _D.position == _I.c.position)
_PASSED = (
    sa.select(_I.c.milestones, _I.c.specification_id, _I.c.action, _T.c.approved)
    .add_columns(tables.order.c.order_date, tables.order.c.requested_start)
    .add_columns(_BEGUN.scalar_subquery().label("begun"), _BEHIND.label("behind"))
    .join(_T, sa.and_(_T.c.order_id == _I.c.order_id, _T.c.position == _I.c.position))
    .join(tables.order, tables.order.c.id == _I.c.order_id)
    .where(_T.c.id == sa.bindparam("at_transaction"))
)
"""Made once, as every completed item passes here."""


def remember(connection: sa.Connection, transaction: states.Transaction) -> None:
    """Keep what a completed item took; nothing when it was disturbed on its way."""
    if transaction.attempt != 1:
        return
    row = connection.execute(_PASSED, {"at_transaction": transaction.id}).one()
    if row.approved is not None or row.begun is None:
        return
    marks = {name: datetime.fromisoformat(at) for name, at in row.milestones}
    took = sample(_ready(row), row.begun, marks)
    if took is not None:
        _keep(connection, (transaction.tenant, row.specification_id, row.action), took)


def _keep(connection: sa.Connection, key: Key, took: tuple[float | None, ...]) -> None:
    tenant, specification, action = key
    mine = {"at_tenant": tenant, "at_specification": specification, "at_action": action}
    known = connection.execute(_KEPT, mine).one_or_none()
    if known is not None:
        connection.execute(_KEEP, {**mine, "kept": [*known.samples, took][-REMEMBERED:]})
        return
    connection.execute(
        _P.insert().values(
            tenant=tenant, specification_id=specification, action=action, samples=[took]
        )
    )


def _ready(row: sa.Row[Any]) -> datetime | None:
    """Since when it could have begun; behind another item nobody knows afterwards."""
    if row.behind:
        return None
    ready: datetime = max(row.order_date, row.requested_start or row.order_date)
    return ready
