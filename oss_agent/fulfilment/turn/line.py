"""Who has devices and who stands in line for them, read as values, and how long that line is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import milestones, pace, states, tables
from oss_agent.fulfilment.turn import estimate, queueing

_OF, _ITEM, _QUEUE, _LEASE = tables.transaction.c, tables.item.c, tables.queue.c, tables.lease.c
_HERE: Final = sa.union_all(
    sa.select(_LEASE.device, _LEASE.transaction_id, sa.literal(1).label("holds")),
    sa.select(_QUEUE.device, _QUEUE.transaction_id, sa.literal(0).label("holds")),
).subquery()
_EVERY = (
    sa.select(_HERE.c.device, _HERE.c.holds, _OF.id, _OF.tenant, _OF.accepted, _OF.stage)
    .add_columns(_OF.attempt, _OF.touched_at)
    .add_columns(_ITEM.milestones, _ITEM.specification_id, _ITEM.action)
    .join(tables.transaction, _OF.id == _HERE.c.transaction_id)
    .join(tables.item, sa.and_(_ITEM.order_id == _OF.order_id, _ITEM.position == _OF.position))
    # Who is carried keeps its place in line, and goes with its leader.
    .where(_OF.stage != states.Stage.MEMBER)
    .order_by(_OF.accepted)
)
_AT = _EVERY.where(_HERE.c.device.in_(sa.bindparam("at_devices", expanding=True))).limit(
    sa.bindparam("most", type_=sa.Integer)
)
"""Made once: to build a statement costs several times as much as to run it."""

_NEW: Final = "new"
_Rows: TypeAlias = Collection[sa.Row[Any]]
InLine: TypeAlias = Mapping[float, float]
"""Seconds until the devices of a transaction are free for it, by share of those that took as long."""


def of(connection: sa.Connection, p: parts.Parts) -> Mapping[str, InLine]:
    """Seconds until the devices of each transaction are free for it, by each share."""
    rows = connection.execute(_EVERY).all()
    paces = _paces(connection, rows)
    found: defaultdict[str, dict[float, float]] = defaultdict(dict)
    for share in estimate.SHARES:
        places = list(_places(rows, paces, share, p.clock.now()))
        for name, seconds in queueing.waits(places, p.limits.group).items():
            found[name][share] = seconds
    return found


def ahead(
    connection: sa.Connection, p: parts.Parts, tenant: str, devices: Collection[str], most: int
) -> float | None:
    """Seconds until these devices would be free for somebody new, when it takes long.

    None where more than ``most`` stand there already. Other devices that those wait for are not
    looked at.
    """
    if not devices:
        return 0.0
    asked = {"at_devices": sorted(devices), "most": most + 1}
    rows = connection.execute(_AT, asked).all()
    if len(rows) > most:
        return None
    if not rows:
        return 0.0  # the usual case
    last = max(row.accepted for row in rows) + 1
    new = queueing.Place(_NEW, tenant, frozenset(devices), last, 0.0)
    places = _places(rows, _paces(connection, rows), estimate.LATE, p.clock.now())
    return queueing.waits([*places, new], p.limits.group)[_NEW]


def _paces(connection: sa.Connection, rows: _Rows) -> Mapping[pace.Key, pace.Pace]:
    names: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        names[row.tenant].add(row.specification_id)
    found: dict[pace.Key, pace.Pace] = {}
    for tenant, specifications in names.items():
        found |= pace.of(connection, tenant, specifications)
    return found


def _places(
    rows: _Rows, paces: Mapping[pace.Key, pace.Pace], share: float, now: datetime
) -> Iterator[queueing.Place]:
    devices: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        devices[row.id].add(row.device)
    for row in {row.id: row for row in rows}.values():
        known = paces.get((row.tenant, row.specification_id, row.action), pace.Pace())
        holds = bool(row.holds)
        done, passed = at_work(row, now) if holds else (1, 0.0)
        seconds = known.left(done, passed, share) if known.known else 0.0
        wanted = frozenset(devices[row.id])
        yield queueing.Place(row.id, row.tenant, wanted, row.accepted, seconds, holds=holds)


def at_work(item: sa.Row[Any], now: datetime) -> tuple[int, float]:
    """How many steps of one whose turn has come have ended, and seconds in the one that it is in."""
    marks = dict(item.milestones) if item.attempt == 1 else {}
    last = [datetime.fromisoformat(at) for at in marks.values()]
    passed = (now - max([item.touched_at, *last])).total_seconds()
    return milestones.done(marks), passed
