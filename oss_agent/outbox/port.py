"""Reading what happened: ``spi.query.Port[Event]`` over the outbox's event rows, told or not."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.outbox import rows
from oss_agent.outbox.tables import EVENTS
from oss_agent.spi import events, query, store

_E = EVENTS.c
_ATTRIBUTES: Final = {
    "id": selecting.Attribute(_E.id),
    "eventId": selecting.Attribute(_E.id),
    "eventType": selecting.Attribute(_E.kind),
    "correlationId": selecting.Attribute(_E.entity),
    "eventTime": selecting.Attribute(_E.at, selecting.moment),
    "timeOccurred": selecting.Attribute(_E.at, selecting.moment),
}


class EventPort:
    """Events in the order in which they were written, by the names of TMF688."""

    def __init__(self, kept: store.Store) -> None:
        self._rows = kept
        self._selection = selecting.Selection(sa.select(EVENTS), _E.tenant, _ATTRIBUTES, _E.number)

    async def find(self, asked: query.Query) -> query.Page[events.Event]:
        """Events that match. OrderRejected (400)."""
        return await self._rows.read(lambda c: self._find(c, asked))

    async def get(self, tenant: str, key: str) -> events.Event:
        """One event by its id; NotFound, also for another tenant's."""
        one = sa.select(EVENTS).where(_E.tenant == tenant, _E.id == key)
        row = await self._rows.read(lambda c: c.execute(one).mappings().first())
        if row is None:
            raise errors.NotFound(f"event {ascii(key)[:80]}")
        return rows.numbered(row).event

    def _find(self, connection: sa.Connection, asked: query.Query) -> query.Page[events.Event]:
        found, total = self._selection.page(connection, asked)
        return query.Page(tuple(rows.numbered(row).event for row in found.mappings()), total)
