"""Replaces what an item asks for, inside one unit: what was begun for it is undone and planned anew.

One that sent nothing yet is taken over here and now. One that is in flight is marked: whoever
decides aborts it, its next attempt plans what is asked for by then. What both ask for stays
reserved; the rest is given back when the new one is reserved, after the devices are as before.
Past its point of no return it is refused: another order changes what it did.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import amendment, design
from oss_agent.fulfilment.ordering import conclude, fallout
from oss_agent.fulfilment.record import journal, order_rows, precedence, states, tables
from oss_agent.fulfilment.turn import leases, wishes
from oss_agent.spi import orders, views

STOPPED = frozenset({views.OrderState.HELD, views.OrderState.PENDING})
"""States of an item that somebody has to end."""


def replace(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    change: orders.ItemChange,
    by: str,
    at: datetime,
) -> None:
    """``transaction`` works for what ``change`` says from now on; nothing where that is as before.

    ``transaction`` is as it was read in this unit, whoever works on it. OrderRejected: 400 naming
    the characteristic that is wrong, 409 when the item has ended or is past its point of no return.
    """
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    after = dataclasses.replace(item, characteristics=dict(change.characteristics))
    if change.extra is not None:
        order_rows.set_item(
            connection, transaction.order, transaction.position, extra=dict(change.extra)
        )
    if after == item:
        return
    refuse_ended(connection, transaction, item)
    _judge(connection, p, transaction.tenant, after)
    order_rows.set_item(
        connection,
        transaction.order,
        transaction.position,
        characteristics=dict(change.characteristics),
    )
    _forget_ends(connection, p, transaction, item, at)
    names = ", ".join(_differing(item, after))
    conclude.say(connection, transaction, at, f"item {item.id} amended by {by!a}: {names}")
    plan_anew(connection, p, transaction, at)


def plan_anew(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """Let it begin again with what its item asks for now; an order on hold stays there.

    One that failed and is kept for a person is repaired by that.
    """
    if waits_for(transaction) is states.WaitKind.FALLOUT:
        kept = journal.adopt(connection, transaction.id, at)
        fallout.again(connection, p, kept or transaction, at)
        return
    if wishes.in_flight(connection, transaction):
        of = tables.transaction
        mine = of.update().where(of.c.id == transaction.id)
        connection.execute(mine.values(stale=transaction.attempt))
        journal.wake_one(connection, transaction, at)
        return
    if wishes.standing(connection, transaction) is states.Cause.HELD:
        return
    begin_again(connection, p, transaction, at)


def waits_for(transaction: states.Transaction) -> states.WaitKind | None:
    """What it sleeps for; None when it is awake."""
    return transaction.wait.kind if transaction.wait is not None else None


def begin_again(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """Queue one that sent nothing; the run that may have it is fenced. A held item goes on."""
    mine = journal.adopt(connection, transaction.id, at)
    if mine is None:
        raise errors.AgentError(f"transaction {transaction.id} is closed and cannot begin again")
    leases.release(connection, mine.id, at)
    rest = journal.wait_columns(None)
    journal.update(
        connection,
        mine,
        stage=states.Stage.QUEUED,
        tries=0,
        deadline=None,
        deadline_of=None,
        **rest,
    )
    state = order_rows.item_states(connection, mine.order)[mine.position - 1]
    if state in STOPPED:
        conclude.move_item(connection, p, mine, views.OrderState.IN_PROGRESS, at)


def give_way(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """It comes after more than before: what sent nothing yet leaves its place in line to that."""
    wait = transaction.wait
    rests = wait is not None and not precedence.stands(wait)
    over = transaction.stage is states.Stage.CLOSED
    if not (rests or over or wishes.in_flight(connection, transaction)):
        begin_again(connection, p, transaction, at)


def refuse_ended(
    connection: sa.Connection, transaction: states.Transaction, item: orders.ItemRequest
) -> None:
    """OrderRejected (409) when the item has ended, or nothing leads back for it any more."""
    state = order_rows.item_states(connection, transaction.order)[transaction.position - 1]
    advice = f"order a modify of {item.about} {item.service_id} once it has ended"
    if state.final:
        raise _too_late(item, f"item {item.id} is {state}: {advice}", "illegalState")
    if waits_for(transaction) is states.WaitKind.UNDO:
        raise _too_late(item, f"item {item.id} is being rolled back", "illegalState")
    passed = wishes.passed(connection, transaction, item.id)
    if passed:
        raise _too_late(item, f"{passed}: {advice}", "pointOfNoReturn")


def _too_late(item: orders.ItemRequest, reason: str, code: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=item.path, status=409, code=code)


def _judge(
    connection: sa.Connection, p: parts.Parts, tenant: str, item: orders.ItemRequest
) -> None:
    """Judge what it comes to in all, as at its acceptance, but for a version that retired since then."""
    if item.action is views.ItemAction.DELETE:
        raise errors.OrderRejected(
            "a delete asks for nothing that could be changed",
            field=item.field("characteristic"),
            code="notPatchable",
        )
    if item.action is views.ItemAction.MODIFY:
        built = design.standing(connection, p, tenant, item)
        service = p.ledger.service(connection, tenant, item.service_id or "")
        if service is None:
            raise errors.NotFound(f"service {item.service_id}")
        item = amendment.merged(item, service, built.ordered)
    p.catalogue.check(item, kept=True)


def _differing(before: orders.ItemRequest, after: orders.ItemRequest) -> list[str]:
    then, now = before.characteristics, after.characteristics
    names = then.keys() | now.keys()
    return sorted(name for name in names if then.get(name) != now.get(name))


def _forget_ends(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    at: datetime,
) -> None:
    """The planned ends of a new service go: how many there are, and where, is designed anew."""
    if item.action is not views.ItemAction.ADD:
        return
    service = p.ledger.service(connection, transaction.tenant, item.service_id or "")
    for end in service.supporting_services if service is not None else ():
        p.ledger.retire_service(connection, service=end, at=at)
