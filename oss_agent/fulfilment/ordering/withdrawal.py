"""Takes an item out of an order at work, inside one unit: what was begun for it is undone, it ends cancelled.

What sent nothing yet ends here and now. What is in flight is marked: whoever decides aborts it. Past
its point of no return it is refused. Until it has ended its order and what was put after it wait for
it; then it counts no more.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import amend, conclude
from oss_agent.fulfilment.record import journal, order_rows, states
from oss_agent.fulfilment.turn import wishes
from oss_agent.spi import views


def withdraw(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    by: str,
    at: datetime,
) -> None:
    """Take it out. OrderRejected (409) when it has ended or is past its point of no return."""
    item = order_rows.request_of(connection, transaction.order, transaction.position)
    amend.refuse_ended(connection, transaction, item)
    order_rows.set_item(connection, transaction.order, transaction.position, withdrawn=True)
    conclude.say(connection, transaction, at, f"item {item.id} was taken out of it by {by!a}")
    kept = amend.waits_for(transaction) is states.WaitKind.FALLOUT
    if wishes.in_flight(connection, transaction) and not kept:
        journal.wake_one(connection, transaction, at)
        return
    mine = journal.adopt(connection, transaction.id, at)
    cause = states.Cause.WITHDRAWN
    message = f"{by!a} took it out of the order: nothing of it is on any device"
    error = views.ErrorView(cause, cause, message, at)
    conclude.without_change(connection, p, mine or transaction, views.OrderState.CANCELLED, error)
