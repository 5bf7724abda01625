"""The outbox as an operator handles it: what is still to be told, to whom, and trying it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oss_agent import errors, outbox, store
from oss_agent.api import outbox as api
from oss_agent.outbox import desk
from oss_agent.spi import clock, events


@dataclass(frozen=True, slots=True)
class Deliveries:
    """``api.outbox.Desk`` over the outbox's desk; ``shown`` renders an event as it is sent."""

    rows: store.SqlStore
    post: outbox.Outbox
    time: clock.Clock
    shown: Callable[[events.Event], dict[str, Any]]

    async def find(self, tenant: str, asked: api.Asked) -> list[desk.DeliveryView]:
        """The tenant's deliveries, oldest event first."""
        states = tuple(outbox.State(one) for one in asked.states)

        def query(connection: sa.Connection) -> list[desk.DeliveryView]:
            return desk.deliveries(
                connection,
                tenant=tenant,
                receiver=asked.receiver,
                states=states,
                offset=asked.offset,
                limit=asked.limit,
            )

        return await self.rows.read(query)

    async def receivers(self, tenant: str) -> list[desk.Backlog]:
        """Who has not taken all of the tenant's events, and who is told nothing."""
        return await self.rows.read(lambda connection: desk.backlog(connection, tenant))

    async def event(self, tenant: str, key: str) -> api.Told:
        """One event, as it is sent, and what became of it at whom. NotFound."""

        def query(connection: sa.Connection) -> tuple[events.Event, list[desk.DeliveryView]]:
            event = desk.event(connection, key)
            if event.tenant != tenant:
                raise errors.NotFound(f"event {key}")
            return event, desk.deliveries(connection, event_id=key)

        event, deliveries = await self.rows.read(query)
        return api.Told(event, self._as_sent(event), deliveries)

    def _as_sent(self, event: events.Event) -> dict[str, Any] | None:
        try:
            return self.shown(event)
        except ValueError:  # the row does not hold what its kind says, or no surface tells it
            return None

    async def again(self, tenant: str, receiver: str, event: str | None) -> int:
        """Try one delivery again, or all that is open; a stopped receiver is told again. NotFound.

        How many deliveries it is about.
        """
        now = self.time.now()

        def unit(connection: sa.Connection) -> int:
            if event is None:
                count = desk.redeliver_all(connection, tenant, receiver, now)
            else:
                if desk.event(connection, event).tenant != tenant:
                    raise errors.NotFound(f"event {event}")
                desk.redeliver(connection, receiver, event, now)
                count = 1
            desk.restart(connection, receiver, now)
            return count

        count = await self.rows.write(unit)
        self.post.wake()
        return count
