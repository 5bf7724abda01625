"""Cancelling product orders: implements ``spi.product_orders.ProductCancellations`` over the rows.

A product order is cancelled by cancelling the service order that it became; it follows.
"""

from __future__ import annotations

import dataclasses

from oss_agent import errors
from oss_agent.fulfilment import cancellation, parts
from oss_agent.fulfilment.record import product_cancels, product_views
from oss_agent.spi import orders, product_orders, query


class ProductCancelTasks:
    """The owner of cancelProductOrder tasks: each is one of ``tasks``, seen from above."""

    def __init__(self, p: parts.Parts, tasks: cancellation.CancelTasks) -> None:
        self._p = p
        self._tasks = tasks

    async def request(self, wish: orders.CancelRequest) -> product_orders.ProductCancelView:
        """Store the task, synced; it is carried out afterwards."""
        order = await self._p.journal.read(lambda c: product_views.view(c, wish.order, wish.tenant))
        if order is None:
            raise errors.NotFound(f"product order {ascii(wish.order)[:40]}")
        below = dataclasses.replace(wish, order=order.service_order)
        try:
            task = await self._tasks.request(below)
        except errors.OrderRejected as bad:
            raise errors.OrderRejected(
                f"product order {order.id} became service order {order.service_order}: {bad.reason}",
                field="productOrder.id",
                status=bad.status,
                code=bad.code,
            ) from bad
        return product_orders.ProductCancelView(task.id, task.tenant, order.id, task)

    async def find(self, asked: query.Query) -> query.Page[product_orders.ProductCancelView]:
        """Tasks that match; filter paths are TMF622 attribute names."""
        return await self._p.journal.read(lambda c: product_cancels.find(c, asked))

    async def get(self, tenant: str, key: str) -> product_orders.ProductCancelView:
        """One task; NotFound, also for another tenant's and for one of a plain service order."""
        view = await self._p.journal.read(lambda c: product_cancels.view(c, tenant, key))
        if view is None:
            raise errors.NotFound(f"cancelProductOrder {ascii(key)[:40]}")
        return view
