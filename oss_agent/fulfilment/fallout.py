"""Where people decide about what failed: implements ``spi.fallout.FalloutDesk`` over the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import decisions
from oss_agent.spi import fallout

Act: TypeAlias = Callable[[sa.Connection, decisions.Trouble], fallout.Decided]


class FalloutDesk:
    """The owner of what is kept. A decision is one unit; the feeder carries on from there."""

    def __init__(self, p: parts.Parts) -> None:
        self._p = p

    async def standing(self, tenant: str) -> tuple[fallout.FalloutView, ...]:
        """All there is, oldest first."""
        return await self._p.journal.read(lambda c: decisions.standing(c, self._p, tenant))

    async def look(self, tenant: str, order: str) -> tuple[fallout.FalloutDetail, ...]:
        """What there is of one order, with what to decide by. NotFound without any."""
        found = await self._p.journal.read(lambda c: decisions.look(c, self._p, tenant, order))
        if not found:
            raise errors.NotFound(f"fallout of order {ascii(order)[:40]}")
        return found

    async def retry(self, tenant: str, by: str, order: str, item: str | None) -> fallout.Decided:
        """A new attempt now."""

        def act(connection: sa.Connection, trouble: decisions.Trouble) -> fallout.Decided:
            return decisions.retry(connection, self._p, trouble, by)

        return await self._decide(tenant, by, (order, item), fallout.Action.RETRY, act)

    async def repair(
        self, tenant: str, by: str, order: str, item: str | None, wanted: Mapping[str, Any]
    ) -> fallout.Decided:
        """Replace these characteristics, reserve the difference, try again."""

        def act(connection: sa.Connection, trouble: decisions.Trouble) -> fallout.Decided:
            return decisions.repair(connection, self._p, trouble, by, wanted)

        return await self._decide(tenant, by, (order, item), fallout.Action.REPAIR, act)

    async def skip(self, tenant: str, by: str, order: str, item: str | None) -> fallout.Decided:
        """End it failed; what comes after it in its order goes on."""

        def act(connection: sa.Connection, trouble: decisions.Trouble) -> fallout.Decided:
            return decisions.skip(connection, self._p, trouble, by)

        return await self._decide(tenant, by, (order, item), fallout.Action.SKIP, act)

    async def rollback(self, tenant: str, by: str, order: str, item: str | None) -> fallout.Decided:
        """Undo what its order had completed, newest first, then end it failed."""

        def act(connection: sa.Connection, trouble: decisions.Trouble) -> fallout.Decided:
            return decisions.roll_back(connection, self._p, trouble, by)

        return await self._decide(tenant, by, (order, item), fallout.Action.ROLLBACK, act)

    async def _decide(
        self,
        tenant: str,
        by: str,
        which: tuple[str, str | None],
        action: fallout.Action,
        act: Act,
    ) -> fallout.Decided:
        def unit(connection: sa.Connection) -> fallout.Decided:
            trouble = decisions.find(connection, self._p, tenant, which, action)
            decided = act(connection, trouble)
            subject = f"order:{decided.order}"
            detail = {"item": decided.item, "message": decided.message}
            at = self._p.clock.now()
            entry = audit.Entry(tenant, at, by, f"fallout {action}", subject, detail)
            audit.append(connection, entry)
            return decided

        decided = await self._p.journal.write("fallout_decision", unit)
        self._p.bell.set()
        return decided
