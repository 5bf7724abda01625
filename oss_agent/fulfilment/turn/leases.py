"""Decides who may change a device: all devices of a transaction or none, first come first served.

A lease is a row. It ends by settling, never by time: a device between two configurations stays
its transaction's until somebody has looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.turn import group


@dataclass(frozen=True, slots=True)
class Blocker:
    """Who stands before us at a device: the holder, or somebody earlier in the queue."""

    device: str
    transaction: str
    order: str
    holds: bool


def take(
    connection: sa.Connection,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> tuple[Blocker, ...]:
    """Take all leases, or none and wait in every queue. () means taken.

    What it holds already it does not queue for: whoever waits there waits for this transaction.
    """
    held = _held(connection, transaction.id)
    missing = [device for device in devices if device not in held]
    _enqueue(connection, transaction, missing, at)
    blockers = _blockers(connection, transaction, missing)
    if blockers:
        return blockers
    rows = [
        {
            "device": device,
            "tenant": transaction.tenant,
            "transaction_id": transaction.id,
            "token": transaction.token,
            "since": at,
        }
        for device in missing
    ]
    if rows:
        connection.execute(tables.lease.insert(), rows)
    _leave_queue(connection, transaction.id)
    return ()


def must_stand(connection: sa.Connection, transaction: states.Transaction, device: str) -> None:
    """Fenced unless this device's lease is ours, by the token we work with."""
    table = tables.lease
    ours = table.select().where(
        table.c.device == device,
        table.c.transaction_id == transaction.id,
        table.c.token == transaction.token,
    )
    if connection.execute(ours).first() is None:
        raise errors.Fenced(f"the lease of {device} is not transaction {transaction.id}'s any more")


def release(connection: sa.Connection, transaction: str, at: datetime) -> None:
    """Give all leases back, leave every queue, and let those behind us look now. Safe twice.

    Those that it carried stand on their own feet again: they are carried by these leases alone.
    """
    _wake_those_behind(connection, transaction, at)
    group.let_go(connection, transaction)
    connection.execute(tables.lease.delete().where(tables.lease.c.transaction_id == transaction))
    _leave_queue(connection, transaction)


def _wake_those_behind(connection: sa.Connection, transaction: str, at: datetime) -> None:
    lease, queue, of = tables.lease, tables.queue, tables.transaction
    ours = sa.union(
        sa.select(lease.c.device).where(lease.c.transaction_id == transaction),
        sa.select(queue.c.device).where(queue.c.transaction_id == transaction),
    )
    behind = sa.select(queue.c.transaction_id).where(
        queue.c.device.in_(ours), queue.c.transaction_id != transaction
    )
    sleeping = of.update().where(of.c.id.in_(behind), of.c.stage == states.Stage.WAITING)
    connection.execute(sleeping.values(wake_at=at))


def _enqueue(
    connection: sa.Connection,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> None:
    table = tables.queue
    asked = sa.select(table.c.device).where(table.c.transaction_id == transaction.id)
    queued = {row.device for row in connection.execute(asked)}
    rows = [
        {
            "device": device,
            "transaction_id": transaction.id,
            "tenant": transaction.tenant,
            "accepted": transaction.accepted,
            "since": at,
        }
        for device in devices
        if device not in queued
    ]
    if rows:
        connection.execute(table.insert(), rows)


def _blockers(
    connection: sa.Connection, transaction: states.Transaction, devices: Sequence[str]
) -> tuple[Blocker, ...]:
    lease, queue, of = tables.lease, tables.queue, tables.transaction
    holding = (
        sa.select(lease.c.device, of.c.id, of.c.order_id)
        .join(of, of.c.id == lease.c.transaction_id)
        .where(lease.c.device.in_(devices), of.c.id != transaction.id)
    )
    earlier = (
        sa.select(queue.c.device, of.c.id, of.c.order_id)
        .join(of, of.c.id == queue.c.transaction_id)
        .where(queue.c.device.in_(devices), queue.c.accepted < transaction.accepted)
        .order_by(queue.c.accepted)
    )
    return tuple(
        Blocker(row.device, row.id, row.order_id, holds=holds)
        for query, holds in ((holding, True), (earlier, False))
        for row in connection.execute(query)
    )


def _held(connection: sa.Connection, transaction: str) -> set[str]:
    table = tables.lease
    asked = sa.select(table.c.device).where(table.c.transaction_id == transaction)
    return {row.device for row in connection.execute(asked)}


def _leave_queue(connection: sa.Connection, transaction: str) -> None:
    connection.execute(tables.queue.delete().where(tables.queue.c.transaction_id == transaction))
