"""The journal's rows of participants: the intent, then each state, every update fenced by a token."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment.record import codec, journal, plain, states, tables
from oss_agent.spi import clock, device
from oss_agent.spi.tree import Tree, from_json, to_json

_OF = tables.participant.c
_INSERT = inserting.Insert(tables.participant)
_FENCED = tables.participant.update().where(
    _OF.transaction_id == sa.bindparam("at_transaction"),
    _OF.attempt == sa.bindparam("at_attempt"),
    _OF.device == sa.bindparam("at_device"),
    _OF.store == sa.bindparam("at_store"),
    _OF.token == sa.bindparam("at_token"),
)
_CURRENT = (
    tables.participant.select()
    .where(
        _OF.transaction_id == sa.bindparam("at_transaction"),
        _OF.attempt == sa.bindparam("at_attempt"),
    )
    .order_by(_OF.device, _OF.store)
)
"""Made once: to build a statement costs several times as much as to run it."""


def plan(connection: sa.Connection, participants: tuple[states.Participant, ...]) -> None:
    """Write the intent: the first rows of an attempt, before the first byte to a device."""
    _INSERT.several(connection, [_row(one) for one in participants])


def _row(one: states.Participant) -> dict[str, Any]:
    return {
        "transaction_id": one.transaction,
        "attempt": one.attempt,
        "device": one.device,
        "store": one.store,
        "tenant": one.tenant,
        "platform": one.platform,
        "state": one.state,
        "since": one.since,
        "token": one.token,
        "persist": one.persist,
        "before": to_json(one.before),
        "target": to_json(one.target),
        "roots": [codec.path_to_json(path) for path in one.roots],
        "snapshot": one.snapshot,
        "snapshot_digest": one.snapshot_digest,
        "rung": one.rung,
        "sent": one.sent,
        "confirmed": one.confirmed,
        "pushed": one.pushed,
        "reason": one.reason,
        "who": one.who,
        "outcome": one.outcome,
    }


def of(
    connection: sa.Connection, transaction: states.Transaction
) -> tuple[states.Participant, ...]:
    """Those of the current attempt, by device and store."""
    mine = {"at_transaction": transaction.id, "at_attempt": transaction.attempt}
    return tuple(_participant(row) for row in connection.execute(_CURRENT, mine))


def _participant(row: sa.Row[Any]) -> states.Participant:
    deadline = None
    if row.deadline is not None:
        boot = clock.BootTime(row.deadline_boot_id, row.deadline_boot)
        deadline = states.Deadline(row.deadline, boot)
    return states.Participant(
        transaction=row.transaction_id,
        attempt=row.attempt,
        device=row.device,
        tenant=row.tenant,
        platform=row.platform,
        state=states.State(row.state),
        since=row.since,
        token=row.token,
        persist=row.persist,
        before=from_json(row.before),
        target=from_json(row.target),
        roots=tuple(codec.path_from_json(path) for path in row.roots),
        snapshot=row.snapshot,
        snapshot_digest=row.snapshot_digest,
        deadline=deadline,
        cause=None if row.cause is None else states.Cause(row.cause),
        reason=row.reason,
        who=row.who,
        outcome=row.outcome,
        store=row.store,
        rung=None if row.rung is None else device.Rung(row.rung),
        sent=row.sent,
        confirmed=row.confirmed,
        pushed=row.pushed,
    )


def move(
    connection: sa.Connection,
    one: states.Participant,
    state: states.State,
    at: datetime,
    **values: Any,
) -> states.Participant:
    """Write a participant's next state (and columns), fenced. Returns it as it is now."""
    fence = {
        "at_transaction": one.transaction,
        "at_attempt": one.attempt,
        "at_device": one.device,
        "at_store": one.store,
        "at_token": one.token,
    }
    since = at if state is not one.state else one.since
    values = {name: _plain(name, value) for name, value in values.items()}
    columns = {"state": state, "since": since, **_columns(values)}
    journal.must_match(connection.execute(_FENCED, {**fence, **columns}), one.transaction)
    return dataclasses.replace(one, state=state, since=since, **values)


def _plain(name: str, value: Any) -> Any:
    return plain.line(value) if name in {"reason", "who", "outcome"} else value


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = {
        name: to_json(value) if isinstance(value, Tree) else value for name, value in values.items()
    }
    deadline = columns.pop("deadline", None)
    if isinstance(deadline, states.Deadline):
        columns |= {
            "deadline": deadline.wall,
            "deadline_boot_id": deadline.boot.boot_id,
            "deadline_boot": deadline.boot.seconds,
        }
    return columns
