"""Keeps stored waits true when somebody moves the wall clock: durations belong to the machine's time.

Rows carry wall times, because people read them and a database sorts them. How far the wall clock is
ahead of the machine's own is kept beside them; when that changes, every stored duration of open
transactions moves along. A date somebody asked for (requestedStartDate) is calendar time and stays.
The rejected alternative, two times per column, would have every writer of a wait know both.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
import structlog

from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import clock

_SLACK = 2.0
"""Seconds the two clocks may drift apart before it counts as a jump."""
_PREFIX = "clock "
_KNOWN = sa.select(tables.counter.c.value).where(tables.counter.c.name == sa.bindparam("at_name"))
"""Made once: every phase of every order asks it."""


def catch_up(connection: sa.Connection, time: clock.Clock) -> float:
    """Move what is stored by as much as the wall clock jumped since last time; how many seconds.

    After a restart of the machine there is nothing to compare with, and nothing moves.
    """
    boot = time.boot()
    ahead = round(time.now().timestamp() - boot.seconds)
    table, name = tables.counter, f"{_PREFIX}{boot.boot_id}"[:32]
    known = connection.execute(_KNOWN, {"at_name": name}).scalar()
    if known is None:
        connection.execute(table.delete().where(table.c.name.startswith(_PREFIX)))
        connection.execute(table.insert().values(name=name, tenant="", value=ahead))
        return 0.0
    if abs(ahead - known) < _SLACK:
        return 0.0
    connection.execute(table.update().where(table.c.name == name).values(value=ahead))
    _shift(connection, timedelta(seconds=ahead - known))
    structlog.get_logger().warning("the wall clock jumped", seconds=ahead - known)
    return float(ahead - known)


def _shift(connection: sa.Connection, by: timedelta) -> None:
    of = tables.transaction
    for row in connection.execute(of.select().where(of.c.stage != states.Stage.CLOSED)):
        moved = {"touched_at": row.touched_at + by}
        if row.wait_kind != states.WaitKind.START:
            for name in ("wait_since", "wake_at", "deadline"):
                value = getattr(row, name)
                moved |= {} if value is None else {name: value + by}
        connection.execute(of.update().where(of.c.id == row.id).values(**moved))
