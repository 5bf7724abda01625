"""Decides which transactions one commit carries: those that wait for the very same devices.

A device that takes five seconds for a commit takes them once for all. The first in the queue leads:
its leases, participants, vote and decision are everybody's. Those behind it come along as long as
they want exactly its devices, in their order, so that nobody is overtaken. When such a vote aborts,
the halves run again as transactions of their own, until the one that fails is alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import dependencies, journal, order_rows, states, tables
from oss_agent.fulfilment.turn import carrying, wishes

_FREE = (states.Stage.WAITING, states.Stage.QUEUED, states.Stage.RUNNING)
"""A run that is in a queue has done nothing yet; with a raised token it never will."""
_OF, _QUEUE = tables.transaction.c, tables.queue.c
_APPROVED = sa.select(_OF.approved).where(_OF.id == sa.bindparam("at_transaction"))
_TOUCHED = sa.select(_QUEUE.transaction_id).where(
    _QUEUE.device.in_(sa.bindparam("at_devices", expanding=True))
)
_WANTED = sa.select(_QUEUE.transaction_id, _QUEUE.device).where(_QUEUE.transaction_id.in_(_TOUCHED))
_THESE = (
    tables.transaction.select()
    .where(_OF.id.in_(sa.bindparam("at_transactions", expanding=True)))
    .order_by(_OF.accepted)
)
"""Made once: to build a statement costs several times as much as to run it."""


def gather(
    connection: sa.Connection,
    p: parts.Parts,
    leader: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> tuple[states.Transaction, ...]:
    """Take along those behind ``leader``, which holds its leases; in order of acceptance.

    Where plans wait for a person nobody is taken along: people approve one plan, not a mixture.
    """
    room = min(p.limits.group, leader.group_limit or p.limits.group) - 1
    if room < 1 or _approves(connection, p, leader, len(set(devices))):
        return ()
    for one in _behind(connection, leader, frozenset(devices))[:room]:
        _attach(connection, leader, one, at)
    return carrying.members(connection, leader)


def half(size: int) -> int:
    """How many may go together after ``size`` of them failed together. Pure."""
    return max(1, size // 2)


def _approves(
    connection: sa.Connection, p: parts.Parts, leader: states.Transaction, devices: int
) -> bool:
    """Does a person look at the leader's plan?"""
    if p.limits.approval == "always":
        return True
    if p.limits.approval == "large" and devices > p.limits.large_devices:
        return True
    approved = connection.execute(_APPROVED, {"at_transaction": leader.id})
    return approved.scalar_one() is not None


def _behind(
    connection: sa.Connection, leader: states.Transaction, devices: frozenset[str]
) -> tuple[states.Transaction, ...]:
    """Who waits for exactly these devices, up to the first who wants others or may not come."""
    found: list[states.Transaction] = []
    queued = [pair for pair in _queued(connection, devices) if pair[0].id != leader.id]
    services = {_service(connection, leader)} if queued else set[str]()
    for one, wanted in queued:
        service = _service(connection, one)
        # Two changes of one service build upon one another: the second is planned after the first.
        if wanted != devices or service in services or not _may_come(connection, leader, one):
            break
        services.add(service)
        found.append(one)
    return tuple(found)


def _service(connection: sa.Connection, one: states.Transaction) -> str:
    return order_rows.request_of(connection, one.order, one.position).service_id or one.id


def _queued(
    connection: sa.Connection, devices: frozenset[str]
) -> list[tuple[states.Transaction, frozenset[str]]]:
    """Who waits for any of these devices, with all the devices they wait for."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_WANTED, {"at_devices": list(devices)}):
        wanted[row.transaction_id].add(row.device)
    if not wanted:
        return []
    rows = connection.execute(_THESE, {"at_transactions": list(wanted)})
    return [(journal.of_row(row), frozenset(wanted[row.id])) for row in rows]


def _may_come(
    connection: sa.Connection, leader: states.Transaction, one: states.Transaction
) -> bool:
    table = tables.transaction
    asked = sa.select(table.c.approved).where(table.c.id == one.id)
    row = connection.execute(asked).one()
    lease = tables.lease.select().where(tables.lease.c.transaction_id == one.id)
    free = row.approved is None and one.group_limit != 1
    free = free and wishes.standing(connection, one) in {None, states.Cause.AMENDED}
    free = free and connection.execute(lease).first() is None
    # A PATCH may have put a part before it since it came into this line.
    free = free and not dependencies.missing(connection, one.order, one.position)
    ready = one.stage in _FREE and (one.wait is None or one.wait.kind is states.WaitKind.WORK)
    return free and ready and one.tenant == leader.tenant


def _attach(
    connection: sa.Connection, leader: states.Transaction, one: states.Transaction, at: datetime
) -> None:
    together = states.Wait(
        reason=f"order {leader.order}: one commit carries both",
        since=at,
        wake_at=at,
        who="nobody: it is being worked on",
    )
    table = tables.transaction
    connection.execute(
        table.update()
        .where(table.c.id == one.id)
        .values(
            stage=states.Stage.MEMBER,
            leader=leader.id,
            token=table.c.token + 1,
            **journal.wait_columns(together),
        )
    )
