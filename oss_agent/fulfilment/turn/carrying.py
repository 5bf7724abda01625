"""Decides whom a leader carries, and when those stand on their own feet again.

The leader's leases are theirs: whoever gives the leases back lets them go in the same unit.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from oss_agent.fulfilment.record import journal, states, tables

_OF = tables.transaction.c
_CARRIED = sa.and_(_OF.leader == sa.bindparam("at_leader"), _OF.stage == states.Stage.MEMBER)
"""A closed one keeps its leader's name, as a record of who carried it."""
_MEMBERS = tables.transaction.select().where(_CARRIED).order_by(_OF.accepted)
_LET_GO = tables.transaction.update().where(_CARRIED).values(attempt=_OF.attempt + 1)
"""Made once: to build a statement costs several times as much as to run it."""


def members(
    connection: sa.Connection, leader: states.Transaction
) -> tuple[states.Transaction, ...]:
    """Those that ``leader`` carries, in order of acceptance."""
    rows = connection.execute(_MEMBERS, {"at_leader": leader.id})
    return tuple(journal.of_row(row) for row in rows)


def let_go(
    connection: sa.Connection,
    leader: str,
    *,
    limit: int | None = None,
    only: states.Transaction | None = None,
) -> None:
    """Those that ``leader`` carries stand on their own feet again; at most ``limit`` go together next.

    Each begins an attempt of its own: what was seen of it while it was carried proves nothing then.
    """
    carried = _LET_GO if only is None else _LET_GO.where(_OF.id == only.id)
    values: dict[str, Any] = {"stage": states.Stage.QUEUED, "leader": None}
    if limit is not None:
        values["group_limit"] = limit
    mine = {"at_leader": leader, **values, **journal.wait_columns(None)}
    connection.execute(carried, mine)
