"""Decides whether an item may begin yet: what it comes after is completed, and its date has come.

What it comes after and will never be completed ends it too, before anything was sent for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import dependencies, order_rows, states
from oss_agent.fulfilment.turn import waits
from oss_agent.spi import clock, orders

_LOOK = timedelta(hours=1)
"""Longest sleep behind another item: its end wakes us, so a look is only a precaution."""

_NAMED = 5
"""So many of those that it waits for are named."""


def check(request: orders.OrderRequest, most: int) -> None:
    """Refuse an order whose items come after what is not in it, or after themselves. Pure.

    ``most`` bounds the relationships of all items together, and with them the work done here. Over
    orders there are no circles: an order comes after those that were there before it, for ever.
    """
    items = request.items
    total = len(request.after) + sum(len(one.after) + len(one.after_others) for one in items)
    if total > most:
        raise errors.OrderRejected(
            f"its items and it come after {total} others, and {most} are the most: divide it",
            field=request.array,
            code="invalidValue",
        )
    known = {item.id: item for item in items}
    for item in items:
        stranger = next((name for name in item.after if name not in known), None)
        if stranger is not None:
            raise _invalid(item, f"there is no item {ascii(stranger)[:60]} in this order")
    try:
        TopologicalSorter({item.id: item.after for item in items}).prepare()
    except CycleError as circle:
        names: list[str] = circle.args[1]
        words = " after ".join(ascii(name)[:40] for name in reversed(names[:6]))
        raise _invalid(known[names[0]], f"items wait for each other for ever: {words}") from circle


def _invalid(item: orders.ItemRequest, reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=item.relationship, code="invalidValue")


def given_up(missing: Sequence[dependencies.Missing]) -> dependencies.Missing | None:
    """What of ``missing`` has ended otherwise than completed; None when nothing has. Pure."""
    return next((other for other in missing if other.state.final), None)


def behind(
    connection: sa.Connection,
    one: states.Transaction,
    missing: Sequence[dependencies.Missing],
    at: datetime,
) -> states.Wait | None:
    """The wait for what it comes after and is ``missing``; None when all of that is completed."""
    if not missing:
        return None
    names = ", ".join(other.named(one.order) for other in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    item = order_rows.request_of(connection, one.order, one.position).id
    return states.Wait(
        reason=f"{names}{more} to be completed: item {item} comes after",
        since=waits.since(one, at),
        wake_at=at + _LOOK,
        who=f"whoever can help {missing[0].named(one.order)} on, or cancel this order",
        kind=states.WaitKind.DEPENDENCY,
    )


def early(connection: sa.Connection, one: states.Transaction, at: datetime) -> states.Wait | None:
    """The wait for its requestedStartDate; None without one, and once it has come."""
    row = order_rows.row_of(connection, one.order)
    start: datetime | None = row.requested_start
    if start is None or start <= at:
        return None
    reason = f"its requestedStartDate {clock.rfc3339(start)}"
    who = f"wait, or ask {row.requester}"
    return states.Wait(reason, waits.since(one, at), start, who, states.WaitKind.START, start)
