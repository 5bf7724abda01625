"""Cancelling orders as the surfaces see it: implements ``spi.orders.Cancellations`` over the rows."""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import cancel_rows
from oss_agent.fulfilment.turn import cancels
from oss_agent.spi import orders, query, views


class CancelTasks:
    """The owner of cancel tasks. It stores the wish; the feeder has it assessed at once.

    Those of orders of ``resources`` by themselves (TMF652), or the others; neither knows the other.
    """

    def __init__(self, p: parts.Parts, *, resources: bool = False) -> None:
        self._p = p
        self._resources = resources

    async def request(self, wish: orders.CancelRequest) -> views.CancelView:
        """Store the task, synced; the audit says who asked."""
        if orders.of_resources(wish.order) is not self._resources:
            raise errors.NotFound(f"order {ascii(wish.order)[:40]}")

        def unit(connection: sa.Connection) -> views.CancelView:
            at = self._p.clock.now()
            task = cancels.request(connection, self._p, wish, at)
            subject, detail = f"order:{wish.order}", {"task": task.id, "reason": wish.reason}
            entry = audit.Entry(wish.tenant, at, wish.asked_by, "cancel", subject, detail)
            audit.append(connection, entry)
            return task

        task = await self._p.journal.write("cancel", unit)
        self._p.bell.set()
        return task

    async def find(self, asked: query.Query) -> query.Page[views.CancelView]:
        """Tasks that match; filter paths are TMF641 attribute names."""
        return await self._p.journal.read(
            lambda c: cancel_rows.find(c, asked, resources=self._resources)
        )

    async def get(self, tenant: str, key: str) -> views.CancelView:
        """One task; NotFound, also for another tenant's."""
        view = await self._p.journal.read(lambda c: cancel_rows.view(c, tenant, key))
        if view is None or orders.of_resources(view.order) is not self._resources:
            raise errors.NotFound(f"cancellation {ascii(key)[:40]}")
        return view
