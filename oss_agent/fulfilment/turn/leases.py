"""Decides who may change a device: all devices of a transaction or none, first come first served.

A lease is a row. It ends by settling, never by time: a device between two configurations stays
its transaction's until somebody has looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors, inserting
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.turn import carrying

_LEASE, _QUEUE, _OF = tables.lease.c, tables.queue.c, tables.transaction.c
_OURS = _LEASE.transaction_id == sa.bindparam("at_transaction")
_QUEUED = _QUEUE.transaction_id == sa.bindparam("at_transaction")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_TAKE, _STAND = inserting.Insert(tables.lease), inserting.Insert(tables.queue)
_HELD = sa.select(_LEASE.device).where(_OURS)
_WAITED_FOR = sa.select(_QUEUE.device).where(_QUEUED)
_STANDS = tables.lease.select().where(
    _OURS, _LEASE.device == sa.bindparam("at_device"), _LEASE.token == sa.bindparam("at_token")
)
_GIVE_BACK = tables.lease.delete().where(_OURS)
_LEAVE = tables.queue.delete().where(_QUEUED)
_WAKE = tables.transaction.update().where(
    _OF.stage == states.Stage.WAITING,
    _OF.id.in_(
        sa.select(_QUEUE.transaction_id).where(
            _QUEUE.device.in_(sa.union(_HELD, _WAITED_FOR)),
            _QUEUE.transaction_id != sa.bindparam("at_transaction"),
        )
    ),
)
_HOLDERS = tables.lease.outerjoin(tables.transaction, _OF.id == _LEASE.transaction_id)
_HOLDING = (
    sa.select(_LEASE.device, _LEASE.transaction_id.label("id"), _OF.order_id)
    .select_from(_HOLDERS)
    .where(_LEASE.device.in_(_THESE), _LEASE.transaction_id != sa.bindparam("at_transaction"))
)
_EARLIER = (
    sa.select(_QUEUE.device, _OF.id, _OF.order_id)
    .join(tables.transaction, _OF.id == _QUEUE.transaction_id)
    .where(_QUEUE.device.in_(_THESE), _QUEUE.accepted < sa.bindparam("at_accepted"))
    .order_by(_QUEUE.accepted)
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Who stands before us at a device: the holder, or somebody earlier in the queue.

    ``order`` is "" while the laws of the device's driver are run on it (``trial_leases``).
    """

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
    mine = {"at_transaction": transaction.id}
    held = set(connection.execute(_HELD, mine).scalars())
    missing = [device for device in devices if device not in held]
    blockers = _blockers(connection, transaction, missing)
    if blockers:
        _enqueue(connection, transaction, missing, at)
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
    _TAKE.several(connection, rows)
    connection.execute(_LEAVE, mine)
    return ()


def must_stand(connection: sa.Connection, transaction: states.Transaction, device: str) -> None:
    """Fenced unless this device's lease is ours, by the token we work with."""
    ours = {
        "at_device": device,
        "at_transaction": transaction.id,
        "at_token": transaction.token,
    }
    if connection.execute(_STANDS, ours).first() is None:
        raise errors.Fenced(f"the lease of {device} is not transaction {transaction.id}'s any more")


def release(connection: sa.Connection, transaction: str, at: datetime) -> None:
    """Give all leases back, leave every queue, and let those behind us look now. Safe twice.

    Those that it carried stand on their own feet again: they are carried by these leases alone.
    """
    mine = {"at_transaction": transaction}
    connection.execute(_WAKE, mine | {"wake_at": at})
    carrying.let_go(connection, transaction)
    connection.execute(_GIVE_BACK, mine)
    connection.execute(_LEAVE, mine)


def _enqueue(
    connection: sa.Connection,
    transaction: states.Transaction,
    devices: Sequence[str],
    at: datetime,
) -> None:
    asked = connection.execute(_WAITED_FOR, {"at_transaction": transaction.id})
    queued = set(asked.scalars())
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
    _STAND.several(connection, rows)


def _blockers(
    connection: sa.Connection, transaction: states.Transaction, devices: Sequence[str]
) -> tuple[Blocker, ...]:
    before = {
        "at_devices": devices,
        "at_transaction": transaction.id,
        "at_accepted": transaction.accepted,
    }
    return tuple(
        Blocker(row.device, row.id, row.order_id or "", holds=holds)
        for query, holds in ((_HOLDING, True), (_EARLIER, False))
        for row in connection.execute(query, before)
    )
