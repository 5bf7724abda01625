"""Decides who may try a driver's laws on a device: who has its lease, as an order has that changes it.

Such a lease has no transaction. It ends with the run, and at the next start where a crash ended that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import tables
from oss_agent.fulfilment.turn import leases

_PREFIX: Final = "trial-"
_LEASE, _OF = tables.lease.c, tables.transaction.c
_HOLDER = (
    sa.select(_OF.order_id)
    .select_from(tables.lease.outerjoin(tables.transaction, _OF.id == _LEASE.transaction_id))
    .where(_LEASE.device == sa.bindparam("at_device"))
)
_LEFT = sa.select(_LEASE.device, _LEASE.transaction_id).where(
    _LEASE.transaction_id.startswith(_PREFIX)
)


def take(connection: sa.Connection, run: str, tenant: str, device: str, at: datetime) -> None:
    """Nobody else changes the device until ``release`` of this run. OrderRejected (409) while one may."""
    found = connection.execute(_HOLDER, {"at_device": device}).first()
    if found is not None:
        order = found.order_id
        who = f"order {order} is changing it" if order else "its laws are being run"
        reason = f"{device}: {who}; try again when that is over"
        raise errors.OrderRejected(reason, field="device", status=409, code="conflict")
    whose = {"transaction_id": _PREFIX + run, "token": 0}
    row = {"device": device, "tenant": tenant, **whose, "since": at}
    connection.execute(tables.lease.insert(), [row])


def release(connection: sa.Connection, run: str, at: datetime) -> None:
    """The run is over; who waits for the device looks now. Safe twice, and where it had none."""
    leases.release(connection, _PREFIX + run, at)


def forget(connection: sa.Connection, at: datetime) -> tuple[str, ...]:
    """At a start: no run of a process before this one goes on. The devices that one was cut short on."""
    cut = connection.execute(_LEFT).all()
    for one in cut:
        leases.release(connection, one.transaction_id, at)
    return tuple(one.device for one in cut)
