"""Asks an item's requester for what its specification lets come later, and waits for it.

Nothing can be designed before, so nothing is reserved: its item is ``pending``. An amendment that
says it lets the item go on; after ``information_within`` it cannot be supplied, and is cancelled.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import amend, conclude, product_needs
from oss_agent.fulfilment.record import journal, order_moves, order_rows, states
from oss_agent.spi import clock, events, orders, views


def asks(connection: sa.Connection, p: parts.Parts, mine: states.Transaction, at: datetime) -> bool:
    """Put it to sleep, and tell what is missing; False: nothing is."""
    item = order_rows.request_of(connection, mine.order, mine.position)
    missing = p.catalogue.missing(item) if item.action is views.ItemAction.ADD else ()
    if not missing:
        return False
    since, until = _since(mine, at), _until(p, mine, at)
    asked = product_needs.asked(connection, mine.order, mine.position, item, missing)
    product_needs.store(connection, asked, mine.position, since, until)
    conclude.move_item(connection, p, mine, views.OrderState.PENDING, at)
    journal.wait(connection, mine, _wait(asked, since, until), deadline=None, deadline_of=None)
    if amend.waits_for(mine) is not states.WaitKind.INFORMATION:
        _tell(connection, p, mine, item, asked, at)
    return True


def _wait(asked: product_needs.Asked, since: datetime, until: datetime) -> states.Wait:
    return states.Wait(
        reason=f"information: item {asked.item} needs {asked.sentence}, by {clock.rfc3339(until)}",
        since=since,
        wake_at=until,
        who=f"the requester: oss-agent order amend {asked.order} --item {asked.item} --set "
        "NAME=VALUE",
        kind=states.WaitKind.INFORMATION,
    )


def _tell(
    connection: sa.Connection,
    p: parts.Parts,
    mine: states.Transaction,
    item: orders.ItemRequest,
    asked: product_needs.Asked,
    at: datetime,
) -> None:
    """In the order's history, to its listeners, and to those of the product order above it."""
    conclude.say(connection, mine, at, f"item {item.id} is pending: it needs {asked.sentence}")
    paths = asked.paths_below(mine.position)
    kind = events.EventKind.SERVICE_ORDER_INFORMATION
    order_moves.tell(connection, p.events, mine.order, kind, at, paths)
    product_needs.tell(connection, p.events, asked, at)


def overdue(
    connection: sa.Connection, p: parts.Parts, mine: states.Transaction, at: datetime
) -> views.ErrorView | None:
    """Why an item that waited for information ends cancelled now; None: it does not."""
    if amend.waits_for(mine) is not states.WaitKind.INFORMATION or at < _until(p, mine, at):
        return None
    item = order_rows.request_of(connection, mine.order, mine.position)
    missing = p.catalogue.missing(item)
    if not missing:
        return None
    asked = product_needs.asked(connection, mine.order, mine.position, item, missing)
    reason = f"{asked.sentence} cannot be supplied: nobody said it in time"
    return views.ErrorView("informationMissing", reason, f"{reason}; nothing was sent for it", at)


def _since(mine: states.Transaction, at: datetime) -> datetime:
    wait = mine.wait
    return wait.since if wait and wait.kind is states.WaitKind.INFORMATION else at


def _until(p: parts.Parts, mine: states.Transaction, at: datetime) -> datetime:
    return _since(mine, at) + timedelta(seconds=p.limits.information_within)
