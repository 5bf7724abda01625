"""Which items are in trouble: kept because they failed, or with a device that cannot be settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import fallout, views

UNDO_FAILED = "undoFailed"
"""The cause of an item whose order was to be rolled back and could not be, wholly."""
UNSETTLED = "unsettled"
"""The cause of an item with a device that is not as was decided."""
_SAFE: Mapping[fallout.Kind, tuple[fallout.Action, ...]] = {
    fallout.Kind.FAILED: tuple(fallout.Action),
    fallout.Kind.ROLLBACK: (fallout.Action.SKIP, fallout.Action.ROLLBACK),
    # Until its devices are as decided nobody may begin anything else there.
    fallout.Kind.UNSETTLED: (fallout.Action.RETRY,),
}
_OF, _ITEM, _PART = tables.transaction.c, tables.item.c, tables.participant.c
_ASLEEP = _OF.stage == states.Stage.WAITING
_UNDONE = sa.select(tables.order.c.id).where(tables.order.c.undone_by == sa.bindparam("at_order"))
_WAKE = tables.transaction.update().where(
    _OF.order_id.in_(_UNDONE), _OF.wait_kind == states.WaitKind.UNDO, _ASLEEP
)
"""Made once, as every order passes here at its end."""


def standing(
    connection: sa.Connection,
    at: datetime,
    *,
    within: float,
    unsettled_after: float,
    tenant: str | None = None,
    order: str | None = None,
) -> tuple[fallout.FalloutView, ...]:
    """All in trouble at ``at``, oldest first; of one tenant, of one order, where they are named.

    ``within`` is how long what is kept waits for a person, ``unsettled_after`` how long a device
    may be tried before it counts; both in seconds.
    """
    asked = [
        column == value
        for column, value in ((_OF.tenant, tenant), (_OF.order_id, order))
        if value is not None
    ]
    found = [
        *_kept(connection, asked, timedelta(seconds=within)),
        *_unsettled(connection, asked, at - timedelta(seconds=unsettled_after)),
    ]
    return tuple(sorted(found, key=lambda one: (one.since, one.order, one.item)))


def by_cause(
    connection: sa.Connection, at: datetime, *, within: float, unsettled_after: float
) -> Mapping[str, int]:
    """Cause -> items in trouble, for the metrics page."""
    found = standing(connection, at, within=within, unsettled_after=unsettled_after)
    return Counter(one.cause for one in found)


def wake(connection: sa.Connection, order: str, at: datetime) -> None:
    """Let what waits for ``order`` to undo its own order look now: that one has ended."""
    connection.execute(_WAKE, {"at_order": order, "wake_at": at})


def _kept(
    connection: sa.Connection, asked: list[sa.ColumnElement[bool]], within: timedelta
) -> Iterator[fallout.FalloutView]:
    for row in connection.execute(
        _joined().where(_ASLEEP, _OF.wait_kind == states.WaitKind.FALLOUT, *asked)
    ):
        error = row.error or {}
        cause = error.get("code", "")
        kind = fallout.Kind.ROLLBACK if cause == UNDO_FAILED else fallout.Kind.FAILED
        since: datetime = row.wait_since
        yield _view(row, kind, cause, error.get("message", row.wait_reason), since + within)


def _unsettled(
    connection: sa.Connection, asked: list[sa.ColumnElement[bool]], latest: datetime
) -> Iterator[fallout.FalloutView]:
    left = (
        sa.select(_PART.device)
        .where(
            _PART.transaction_id == _OF.id,
            _PART.attempt == _OF.attempt,
            _PART.state.not_in([one for one in states.State if one.final]),
        )
        .exists()
    )
    for row in connection.execute(_joined().where(_ASLEEP, _OF.wait_since <= latest, left, *asked)):
        yield _view(row, fallout.Kind.UNSETTLED, UNSETTLED, row.wait_reason, None)


def _joined() -> sa.Select[Any]:
    of, item = tables.transaction, tables.item
    mine = sa.and_(item.c.order_id == of.c.order_id, item.c.position == of.c.position)
    columns: list[sa.ColumnElement[Any]] = [
        of.c.tenant,
        of.c.order_id,
        of.c.wait_since,
        of.c.wait_reason,
        item.c.item_id,
        item.c.action,
        item.c.service_id,
        item.c.service_name,
        item.c.error,
    ]
    return sa.select(*columns).select_from(of.join(item, mine))


def _view(
    row: sa.Row[Any], kind: fallout.Kind, cause: str, reason: str, until: datetime | None
) -> fallout.FalloutView:
    action = views.ItemAction(row.action)
    # A delete says nothing that could be said otherwise.
    barred = {fallout.Action.REPAIR} if action is views.ItemAction.DELETE else set[fallout.Action]()
    return fallout.FalloutView(
        tenant=row.tenant,
        order=row.order_id,
        item=row.item_id,
        kind=kind,
        cause=cause,
        reason=reason,
        service=row.service_id,
        service_name=row.service_name,
        action=action,
        since=row.wait_since,
        until=until,
        actions=tuple(one for one in _SAFE[kind] if one not in barred),
    )
