"""Decides what becomes of an item that fails for a lasting cause: it ends, or a person decides.

Kept means: its attempt is undone and settled, its leases are free, what it reserved stays its own,
and what comes after it waits. Its order, or the setting, says whether it is kept; after its time it
ends failed as it would have at once. All or nothing is kept too, until what was completed is undone.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import codec, journal, order_rows, resource_orders, states, tables
from oss_agent.fulfilment.turn import cancels, leases
from oss_agent.spi import clock, fallout, views


def end(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    error: views.ErrorView,
) -> None:
    """Fail an item whose network is as before, or keep it; one that is to be cancelled ends so."""
    policy = policy_of(connection, p, transaction)
    if policy is fallout.Policy.FAIL or cancels.flagged(connection, transaction):
        failed = views.OrderState.FAILED
        conclude.without_change(connection, p, transaction, failed, error)
        return
    keep(connection, p, transaction, error)
    if policy is fallout.Policy.ROLLBACK:
        # A turn of its own: what stands in the way must not undo what this unit says.
        journal.wake(connection, transaction.order, error.at)


def policy_of(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction
) -> fallout.Policy:
    """What its order wants, else what the setting says."""
    row = order_rows.row_of(connection, transaction.order)
    return fallout.Policy(row.fallout or p.limits.fallout)


def keep(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    error: views.ErrorView,
) -> None:
    """Hold it until a person decides, at most ``fallout_within``."""
    leases.release(connection, transaction.id, error.at)
    held = [
        resource_orders.Move(name, views.OrderState.HELD)
        for name in resource_orders.devices(connection, transaction.id)
    ]
    resource_orders.move(connection, transaction.id, held, error.at)
    conclude.say(
        connection, transaction, error.at, f"held: it failed ({error.code}): {error.message}"
    )
    conclude.move_item(connection, p, transaction, views.OrderState.HELD, error.at, error)
    item = order_rows.request_of(connection, transaction.order, transaction.position).id
    until = error.at + timedelta(seconds=p.limits.fallout_within)
    why = states.Wait(
        reason=f"a person to decide about item {item}, which failed ({error.code}) and is kept "
        f"until {clock.rfc3339(until)}: {error.message}",
        since=error.at,
        wake_at=until,
        who=f"whoever may operate: oss-agent fallout show {transaction.order}",
        kind=states.WaitKind.FALLOUT,
    )
    journal.wait(connection, transaction, why, deadline=None, deadline_of=None)


def failure(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction
) -> views.ErrorView:
    """What a kept item failed by, as of now."""
    item, at = tables.item.c, p.clock.now()
    mine = item.order_id == transaction.order, item.position == transaction.position
    row = connection.execute(tables.item.select().where(*mine)).one()
    found = codec.error_from_json(row.error)
    if found is None:
        raise errors.AgentError(f"transaction {transaction.id} is kept, and nothing says why")
    return dataclasses.replace(found, at=at)


def again(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """A new attempt, with rows of its own and all of its patience; what was seen stays written."""
    conclude.move_item(connection, p, transaction, views.OrderState.IN_PROGRESS, at)
    journal.update(
        connection,
        transaction,
        stage=states.Stage.QUEUED,
        attempt=transaction.attempt + 1,
        tries=0,
        faults=0,
        deadline=None,
        deadline_of=None,
        **journal.wait_columns(None),
    )
