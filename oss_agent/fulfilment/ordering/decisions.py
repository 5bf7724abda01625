"""What a person may decide about an item in trouble, each decision inside one unit.

An item is taken over before anything of it changes: the run that may look at it just now is fenced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import design
from oss_agent.fulfilment.ordering import amend, conclude, fallout, rollback
from oss_agent.fulfilment.record import (
    dependencies,
    fallout_rows,
    journal,
    order_rows,
    order_views,
    participant_rows,
    states,
    tables,
)
from oss_agent.fulfilment.turn import cancels
from oss_agent.spi import fallout as spi
from oss_agent.spi import orders, views


@dataclass(frozen=True, slots=True)
class Trouble:
    """An item in trouble, taken over by whoever decides."""

    view: spi.FalloutView
    transaction: states.Transaction


def standing(
    connection: sa.Connection, p: parts.Parts, tenant: str, order: str | None = None
) -> tuple[spi.FalloutView, ...]:
    """What is in trouble, oldest first."""
    return fallout_rows.standing(
        connection,
        p.clock.now(),
        within=p.limits.fallout_within,
        unsettled_after=p.limits.unsettled_after,
        tenant=tenant,
        order=order,
    )


def look(
    connection: sa.Connection, p: parts.Parts, tenant: str, order: str
) -> tuple[spi.FalloutDetail, ...]:
    """What of an order is in trouble, with what a person decides by."""
    found = standing(connection, p, tenant, order)
    view = order_views.view(connection, order, tenant)
    items = {one.id: one for one in view.items} if view is not None else {}
    return tuple(_detail(connection, p, one, items[one.item]) for one in found)


def _detail(
    connection: sa.Connection, p: parts.Parts, one: spi.FalloutView, item: views.OrderItemView
) -> spi.FalloutDetail:
    mine = journal.load(connection, item.transaction or "")
    if mine is None:
        raise errors.AgentError(f"item {one.item} of order {one.order} has no transaction")
    offered = spi.Action.ROLLBACK in one.actions
    plan = rollback.plan(connection, p, mine) if offered else rollback.Plan(None, (), ())
    return spi.FalloutDetail(
        fallout=one,
        characteristics=item.characteristics,
        evidence=item.evidence,
        devices=tuple(
            views.ParticipantView(part.device, part.state, part.since, part.outcome or part.reason)
            for part in participant_rows.of(connection, mine)
        ),
        rollback=plan.words,
        obstacles=plan.obstacles,
    )


def find(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    which: tuple[str, str | None],
    action: spi.Action,
) -> Trouble:
    """The item that a decision is about, taken over. NotFound; OrderRejected when it is not safe."""
    order, item = which
    found = [one for one in standing(connection, p, tenant, order) if item in {None, one.item}]
    if not found:
        raise errors.NotFound(f"fallout of order {ascii(order)[:40]}{_of(item)}")
    if len(found) > 1:
        names = ", ".join(sorted(one.item for one in found))
        raise _unsafe(f"order {order} has several items in trouble: name one of {names}", "item")
    _refuse_unsafe(found[0], action)
    taken = _take(connection, p, found[0])
    if cancels.flagged(connection, taken):
        raise _unsafe(f"order {order} is being cancelled: there is nothing left to decide")
    return Trouble(found[0], taken)


def _of(item: str | None) -> str:
    return "" if item is None else f" item {ascii(item)[:40]}"


def _refuse_unsafe(one: spi.FalloutView, action: spi.Action) -> None:
    if action not in one.actions:
        safe = ", ".join(one.actions)
        raise _unsafe(f"{action} is not safe for item {one.item} ({one.cause}); safe: {safe}")


def _unsafe(reason: str, field: str = "") -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, status=409, code="illegalState")


def _take(connection: sa.Connection, p: parts.Parts, one: spi.FalloutView) -> states.Transaction:
    of, item = tables.transaction.c, tables.item.c
    asked = (
        sa.select(of.id)
        .join(tables.item, sa.and_(item.order_id == of.order_id, item.position == of.position))
        .where(of.order_id == one.order, item.item_id == one.item)
    )
    name = connection.execute(asked).scalar_one()
    taken = journal.adopt(connection, name, p.clock.now())
    if taken is None:
        raise errors.AgentError(f"transaction {name} is in trouble and closed")
    return taken


def retry(connection: sa.Connection, p: parts.Parts, trouble: Trouble, by: str) -> spi.Decided:
    """A new attempt; where devices are not settled, they are looked at now."""
    mine, at = trouble.transaction, p.clock.now()
    if trouble.view.kind is spi.Kind.UNSETTLED:
        journal.update(connection, mine, wake_at=at, tries=0)
        return _decided(connection, p, trouble, spi.Action.RETRY, f"{by} has its devices looked at")
    done = _decided(connection, p, trouble, spi.Action.RETRY, f"{by} has it tried again")
    fallout.again(connection, p, mine, at)
    return done


def repair(
    connection: sa.Connection,
    p: parts.Parts,
    trouble: Trouble,
    by: str,
    wanted: Mapping[str, Any],
) -> spi.Decided:
    """Other characteristics and a new attempt; what they need beyond the old ones is reserved now."""
    mine, at = trouble.transaction, p.clock.now()
    item = order_rows.request_of(connection, mine.order, mine.position)
    said = f"{by} repaired it: {', '.join(sorted(ascii(name)[:40] for name in wanted))}"
    done = _decided(connection, p, trouble, spi.Action.REPAIR, said)
    change = orders.ItemChange(item.id, repaired(item, wanted))
    amend.replace(connection, p, mine, change, by, at)
    taken = journal.adopt(connection, mine.id, at)
    if taken is None:
        raise errors.AgentError(f"transaction {mine.id} was repaired and is closed")
    try:
        design.reserve(connection, p, taken, at)
    except errors.Conflict as held:
        raise errors.OrderRejected(held.reason, status=409, code="conflict") from held
    if taken.wait is not None:  # it asks for what it asked for before: nothing let it go on
        fallout.again(connection, p, taken, at)
    return done


def repaired(item: orders.ItemRequest, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """All characteristics of an item with these instead. Pure.

    In a modify None stays, for it asks for the specification's default; elsewhere it takes one out.
    """
    whole = {**item.characteristics, **wanted}
    if item.action is views.ItemAction.MODIFY:
        return whole
    return {name: value for name, value in whole.items() if value is not None}


def skip(connection: sa.Connection, p: parts.Parts, trouble: Trouble, by: str) -> spi.Decided:
    """It ends failed; its dependents' rows say that they go on without it."""
    mine = trouble.transaction
    said = f"{by} skipped it: what comes after it goes on as if it were completed"
    done = _decided(connection, p, trouble, spi.Action.SKIP, said)
    was = fallout.failure(connection, p, mine)
    dependencies.waive(connection, mine.order, mine.position)
    error = dataclasses.replace(was, message=f"{was.message} (skipped by {by})")
    conclude.without_change(connection, p, mine, views.OrderState.FAILED, error)
    return done


def roll_back(connection: sa.Connection, p: parts.Parts, trouble: Trouble, by: str) -> spi.Decided:
    """An order of ours undoes what is completed; the item waits for it."""
    said = f"{by} rolls its order back"
    done = _decided(connection, p, trouble, spi.Action.ROLLBACK, said)
    order = rollback.begin(connection, p, trouble.transaction, p.clock.now())
    message = f"{said}: {f'order {order} undoes it' if order else 'nothing was left to undo'}"
    return dataclasses.replace(done, message=message, by_order=order)


def _decided(
    connection: sa.Connection, p: parts.Parts, trouble: Trouble, action: spi.Action, said: str
) -> spi.Decided:
    """The decision, and a sentence of it in the order's history."""
    view = trouble.view
    conclude.say(connection, trouble.transaction, p.clock.now(), f"item {view.item}: {said}")
    return spi.Decided(view.order, view.item, action, said)
