"""The outbox as an operator handles it: what is still to be told, and trying it again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent import errors, outbox, store
from oss_agent.outbox import desk
from oss_agent.spi import clock

_MOST = 500


@dataclass(frozen=True, slots=True)
class Deliveries:
    """``api.state.Outbox`` over the outbox's desk."""

    rows: store.SqlStore
    post: outbox.Outbox
    time: clock.Clock

    async def waiting(self, tenant: str) -> list[desk.DeliveryView]:
        """The tenant's pending and parked deliveries, oldest first, at most 500 of each."""
        return await self.rows.read(lambda connection: _open(connection, tenant))

    async def again(self, tenant: str, receiver: str, event: str) -> None:
        """Try one delivery again; a receiver that was stopped is told again. NotFound."""
        now = self.time.now()

        def unit(connection: sa.Connection) -> None:
            if desk.event(connection, event).tenant != tenant:
                raise errors.NotFound(f"event {event}")
            desk.redeliver(connection, receiver, event, now)
            desk.restart(connection, receiver)

        await self.rows.write(unit)
        self.post.wake()


def _open(connection: sa.Connection, tenant: str) -> list[desk.DeliveryView]:
    states = (outbox.State.PARKED, outbox.State.PENDING)
    found = [one for s in states for one in desk.deliveries(connection, state=s, limit=_MOST)]
    return [one for one in found if one.tenant == tenant]
