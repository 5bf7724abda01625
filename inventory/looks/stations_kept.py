"""Decides how long is kept what ended of stations: they come and go by the thousand, other rows do not.

A row that ended, or was corrected, before that is forgotten, in units small enough that no order's commit
waits for them. What holds now stays however old it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.moment import Moment
from oss_agent.spi import clock, store

_EVERY: Final = 3600.0
"""Seconds between two times that all of it is forgotten."""
_PAUSE: Final = 0.2
"""Seconds between two units."""
MANY: Final = 500
"""Rows that a unit looks for by each of the two times."""
_S = tables.stations.c
_BEFORE: Final[sa.BindParameter[datetime]] = sa.bindparam("before", type_=Moment())
_OVER = tuple(
    sa.select(_S.row).where(time < _BEFORE).limit(MANY) for time in (_S.valid_to, _S.known_to)
)


class StationsKept:
    """The role. ``keep`` is how long; None: for ever."""

    def __init__(self, rows: store.Store, time: clock.Clock, keep: timedelta | None) -> None:
        self._store = rows
        self._time = time
        self._keep = keep

    async def run(self) -> None:
        """Forget until cancelled; what a database that is away leaves, the next time does."""
        while self._keep is not None:
            with contextlib.suppress(errors.StoreUnavailable):
                await self.forget(self._time.now() - self._keep)
            await asyncio.sleep(_EVERY)

    async def forget(self, before: datetime) -> int:
        """All that was over by then, unit by unit. Returns how many rows."""
        gone = 0
        while some := await self._store.write(lambda connection: forget(connection, before)):
            gone += some
            await asyncio.sleep(_PAUSE)
        return gone


def forget(connection: sa.Connection, before: datetime) -> int:
    """Some of what was over by then; returns how many rows, 0 when none is left."""
    found = [connection.execute(query, {"before": before}).scalars().all() for query in _OVER]
    rows = sorted(set().union(*found))
    if rows:
        history.forget(connection, tables.stations, _S.row.in_(rows))
    return len(rows)
