"""What is promised to whoever orders: expectedCompletionDate, made at acceptance, kept or moved.

Nothing is promised where history is too short, behind a long line, where an order that comes first
has no promise, and where a pause without an end stands in the way: any date would be invented. A line
is a tenant's own: the feeder serves tenants in turn, so another's ten thousand orders delay one item.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import pace, states, tables
from oss_agent.fulfilment.turn import estimate, feeder, jeopardy, line, stop_rows
from oss_agent.fulfilment.turn import stops as stop_rules
from oss_agent.spi import clock, orders, views

_LINE = (
    sa.select(tables.transaction.c.id)
    .where(tables.transaction.c.stage == states.Stage.QUEUED)
    .limit(1)
    .offset(sa.bindparam("most", type_=sa.Integer))
)
_OWN_LINE = _LINE.where(tables.transaction.c.tenant == sa.bindparam("at_tenant"))
"""Is there one in line behind as many as are worked on at once? What it took those that were done
says nothing of such a line: ten thousand orders were promised at once, and each had to be moved."""


class Withheld(StrEnum):
    """Why nothing is promised."""

    HISTORY = "history"
    LINE = "line"
    DEVICES = "devices"
    BEFORE = "before"
    STOP = "stop"

    @property
    def words(self) -> str:
        """A sentence, as of the order's acceptance."""
        return f"Nothing was promised: {_WHY[self]}."


_WHY: Final = {
    Withheld.HISTORY: "fewer like it were done undisturbed than a date can be made of",
    Withheld.LINE: "more items of this tenant were in line before it than its share of those that are "
    "worked on at once, and nobody can say how long such a line takes",
    Withheld.DEVICES: "more than are worked on at once stood in line for its devices, and nobody can say how "
    "long such a line takes",
    Withheld.BEFORE: "an order that it comes after has no promise",
    Withheld.STOP: "a pause or freeze that has no end was in its way",
}


@dataclass(frozen=True, slots=True)
class Promise:
    """A date. ``boot`` is the machine's own time of it; None where the calendar decides."""

    at: datetime
    boot: clock.BootTime | None

    def columns(self) -> dict[str, Any]:
        """What an order's row keeps of it."""
        boot_id, seconds = (self.boot.boot_id, self.boot.seconds) if self.boot else (None, None)
        return {
            "expected_completion": self.at,
            "expected_boot_id": boot_id,
            "expected_boot": seconds,
        }


def lasting(at: datetime, time: clock.Clock) -> Promise:
    """A promise that is a duration from now: it keeps its distance when the wall clock is set."""
    boot = time.boot()
    left = (at - time.now()).total_seconds()
    return Promise(at, clock.BootTime(boot.boot_id, boot.seconds + left))


def standing(row: sa.Row[Any], time: clock.Clock) -> datetime | None:
    """When what an order's row promises is due by today's wall clock; None without a promise."""
    promised: datetime | None = row.expected_completion
    boot = time.boot()
    if promised is None or row.expected_boot_id != boot.boot_id:
        return promised
    return time.now() + timedelta(seconds=row.expected_boot - boot.seconds)


def made(
    connection: sa.Connection,
    p: parts.Parts,
    request: orders.OrderRequest,
    found: Sequence[views.SpecificationRef],
    at: datetime,
) -> Promise | Withheld:
    """What can be promised for an order that is being accepted, or why nothing is."""
    works = _works(connection, request, found)
    if not works or not all(one.pace.known for one in works):
        return Withheld.HISTORY
    if _long_line(connection, p, request.tenant):
        return Withheld.LINE
    before = _before(connection, request, at)
    if before is None:
        return Withheld.BEFORE
    stop = _stopped(connection, p, request, at)
    if stop is None:
        return Withheld.STOP
    start = request.requested_start or at
    begins = max(at, start, before, stop)
    # Who it comes after may be the very one who has its devices: what it waits for both counts once.
    behind = works if start > at else _in_line(connection, p, request, works, before - at)
    if behind is None:
        return Withheld.DEVICES
    late = estimate.late(behind, begins)
    due = jeopardy.promise(late, begins, begins, p.limits.promise_slack)
    return Promise(due, None) if max(start, stop) > at else lasting(due, p.clock)


def _long_line(connection: sa.Connection, p: parts.Parts, tenant: str) -> bool:
    """Are more of a tenant's items in line than its share of what is worked on at once?"""
    most = p.limits.in_flight
    if connection.execute(_LINE, {"most": most}).first() is None:
        return False  # the usual case, and cheap
    waiting = {tenant, *itertools.islice(feeder.tenants(connection), most)}
    share = max(1, most // len(waiting))
    mine = {"most": share, "at_tenant": tenant}
    return connection.execute(_OWN_LINE, mine).first() is not None


def _in_line(
    connection: sa.Connection,
    p: parts.Parts,
    request: orders.OrderRequest,
    works: Sequence[estimate.Work],
    waited: timedelta,
) -> tuple[estimate.Work, ...] | None:
    """The same behind those that have its devices or stand in line for them; None: they are too many.

    Until a turn comes items of the history waited too: that counts once. So does what the line moves
    while it has ``waited`` for orders that come first.
    """
    found: list[estimate.Work] = []
    for one in works:
        devices = set(_devices(connection, p, request.items[one.position - 1]))
        seconds = line.ahead(connection, p, request.tenant, devices, p.limits.in_flight)
        if seconds is None:
            return None
        left = max(0.0, seconds - waited.total_seconds())
        found.append(dataclasses.replace(one, passed=seconds, in_line={estimate.LATE: left}))
    return tuple(found)


def _works(
    connection: sa.Connection,
    request: orders.OrderRequest,
    found: Sequence[views.SpecificationRef],
) -> tuple[estimate.Work, ...]:
    paces = pace.of(connection, request.tenant, {one.id for one in found})
    position = {item.id: number for number, item in enumerate(request.items, start=1)}
    return tuple(
        estimate.Work(
            position=position[item.id],
            pace=paces.get((request.tenant, of.id, item.action), pace.Pace()),
            after=tuple(position[name] for name in item.after),
        )
        for item, of in zip(request.items, found, strict=True)
        if item.action is not views.ItemAction.NO_CHANGE
    )


def _before(
    connection: sa.Connection, request: orders.OrderRequest, at: datetime
) -> datetime | None:
    """When the orders that come first are completed, as promised; None when one promises nothing."""
    first = {*request.after, *(one for item in request.items for one, _ in item.after_others)}
    if not first:
        return at
    c = tables.order.c
    asked = sa.select(c.state, c.expected_completion).where(
        c.tenant == request.tenant, c.id.in_(first)
    )
    dates = [
        row.expected_completion
        for row in connection.execute(asked)
        if not views.OrderState(row.state).final
    ]
    return None if None in dates else max([at, *dates])


def _stopped(
    connection: sa.Connection, p: parts.Parts, request: orders.OrderRequest, at: datetime
) -> datetime | None:
    """When its devices may be written to, as far as can be told; None when nobody says when."""
    standing_now = stop_rows.standing(connection, request.tenant, at)
    if not standing_now and not p.limits.windows:
        return at  # the usual case, and a snapshot of the network costs more than all the rest
    known = p.ledger.snapshot(connection, request.tenant).devices
    names = {name for item in request.items for name in _devices(connection, p, item)} & {*known}
    places = [
        stop_rules.Place(name, known[name].site, known[name].platform) for name in sorted(names)
    ]
    start = max(at, request.requested_start or at)
    look = p.limits.stopped_look
    why = stop_rules.wait(standing_now, p.limits.windows, places, start, look)
    return start if why is None else why.until


def _devices(connection: sa.Connection, p: parts.Parts, item: orders.ItemRequest) -> Iterator[str]:
    """Where a service is, and the devices of the ports (``pe1:eth4``) that its order names.

    Also what only looks like a port: no such device is known, nor does anybody stand in line for it.
    """
    if item.service_id:
        yield from (device for device, _ in p.ledger.configured(connection, item.service_id))
    for text in _texts(item.characteristics):
        device, port, _ = text.partition(":")
        if port:
            yield device


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
