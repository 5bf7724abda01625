"""Product orders as the surfaces see them: implements ``spi.product_orders.ProductOrders``."""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import order, parts
from oss_agent.fulfilment.ordering import product_changing, product_intake
from oss_agent.fulfilment.record import product_query, product_views
from oss_agent.spi import catalogue, product_orders, query


class ProductOrders:
    """The owner of product orders: each is one service order, judged and run as any other."""

    def __init__(
        self, p: parts.Parts, offerings: catalogue.Products, services: order.ServiceOrders
    ) -> None:
        self._p = p
        self._offerings = offerings
        self._services = services

    async def submit(self, request: product_orders.ProductOrderRequest) -> product_orders.Taken:
        """Store it with its service order in one synced unit; the same again is the same order."""
        product_intake.check(request, self._p.limits)
        # Before it is judged: what a repeated order asks for may be done by now.
        before = await self._p.journal.read(lambda c: product_intake.known(c, request))
        if before is not None:
            return product_orders.Taken(before, created=False)
        judged = await self._judge(request)
        became, found = await self._services.judged(
            product_intake.service_order(judged, self._p.limits)
        )
        taken = await self._p.journal.write(
            "accept_product",
            lambda c: product_intake.accept(c, self._p, self._offerings, judged, became, found),
        )
        self._p.bell.set()
        return taken

    async def _judge(self, request: product_orders.ProductOrderRequest) -> product_intake.Judged:
        seen = await self._p.journal.read(lambda c: product_intake.look(c, self._p, request))
        return product_intake.judge(request, seen, self._offerings, self._p.limits)

    async def find(self, asked: query.Query) -> query.Page[product_orders.ProductOrderView]:
        """Orders that match; filter paths are TMF622 attribute names."""
        return await self._p.journal.read(lambda c: product_query.find(c, asked))

    async def get(self, tenant: str, key: str) -> product_orders.ProductOrderView:
        """One order; NotFound, also for another tenant's."""
        view = await self._p.journal.read(lambda c: product_views.view(c, key, tenant))
        if view is None:
            raise errors.NotFound(f"product order {ascii(key)[:40]}")
        return view

    async def amend(self, wish: product_orders.ProductAmendment) -> product_orders.ProductOrderView:
        """Change it with the service order that it became: all of the wish or nothing."""

        def unit(connection: sa.Connection) -> product_orders.ProductOrderView:
            at = self._p.clock.now()
            told = product_changing.amend_order(connection, self._p, self._offerings, wish, at)
            names = [*wish.attributes, *(f"item {one.id}" for one in wish.items)]
            subject, detail = f"productOrder:{told.id}", {"names": names, "hold": wish.hold}
            audit.append(
                connection, audit.Entry(told.tenant, at, wish.by, "amend", subject, detail)
            )
            return told

        told = await self._p.journal.write("amend_product", unit)
        self._p.bell.set()
        return told
