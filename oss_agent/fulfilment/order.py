"""Service orders as the surfaces see them: implements ``spi.orders.Orders`` over the rows.

Orders of resources by themselves (TMF652) are the same orders; ``find`` leaves them out.
"""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import changing, explain, holds, intake, nesting
from oss_agent.fulfilment.record import by_hand, order_query, order_views
from oss_agent.fulfilment.transact import dry_run
from oss_agent.fulfilment.turn import approvals
from oss_agent.spi import catalogue, orders, query, views


class ServiceOrders:
    """The owner of service orders. Nothing here talks to the motor: rows only."""

    def __init__(self, p: parts.Parts) -> None:
        self._p = p

    async def submit(self, request: orders.OrderRequest) -> orders.Submitted:
        """Store and acknowledge in one synced unit; the same request again is the same order."""
        try:
            request, found = await self.judged(request)
        except errors.OrderRejected as refused:
            return await self._repeated(request, refused)
        submitted = await self._p.journal.write(
            "accept", lambda c: intake.accept(c, self._p, request, found)
        )
        self._p.bell.set()
        return submitted

    async def _repeated(
        self, request: orders.OrderRequest, refused: errors.OrderRejected
    ) -> orders.Submitted:
        """The order that this request made: what it asked for may be done, or gone, by now."""
        before = await self._p.journal.read(lambda c: intake.known(c, request))
        if before is None:
            raise refused
        return orders.Submitted(before, created=False)

    async def judged(
        self, request: orders.OrderRequest
    ) -> tuple[orders.OrderRequest, tuple[views.SpecificationRef, ...]]:
        """The request with what its services themselves know, and its items' specifications.

        OrderRejected names the field; nothing is stored.
        """
        intake.check(request, self._p.limits)
        known = await self._known(request)
        request = nesting.in_turn(intake.specified(request, known))
        return request, intake.specifications(request, known, self._p.catalogue)

    async def plan(self, request: orders.OrderRequest) -> tuple[views.DryRun, ...]:
        """What it would do, one per item; claims and stores nothing."""
        request, _ = await self.judged(request)
        try:
            return tuple([await self._plan(request, item) for item in request.items])
        except errors.Conflict as taken:
            raise errors.OrderRejected(taken.reason, status=409, code="conflict") from taken
        except errors.DeviceError as trouble:
            raise errors.OrderRejected(str(trouble), status=409, code="device") from trouble

    async def _known(self, request: orders.OrderRequest) -> intake.Known:
        """What a delete or modify need not say, because the service itself knows."""
        if not any(item.service_id for item in request.items):
            return intake.Known({}, {})
        return await self._p.journal.read(lambda c: intake.look_up(c, self._p, request))

    async def _plan(self, request: orders.OrderRequest, item: orders.ItemRequest) -> views.DryRun:
        chosen = None if request.by_hand is None else catalogue.OutOfBand(request.by_hand)
        return await dry_run.dry_run(self._p, request.tenant, item, chosen)

    async def find(self, asked: query.Query) -> query.Page[views.ServiceOrderView]:
        """Orders that match; filter paths are TMF641 attribute names."""
        return await self._p.journal.read(lambda c: order_query.find(c, asked))

    async def get(self, tenant: str, key: str) -> views.ServiceOrderView:
        """One order; NotFound, also for another tenant's."""
        view = await self._p.journal.read(lambda c: order_views.view(c, key, tenant))
        if view is None:
            raise errors.NotFound(f"order {ascii(key)[:40]}")
        return view

    async def plans(self, tenant: str, key: str) -> tuple[views.PlanView, ...]:
        """What each item would send, was approved to send, and the difference."""
        await self.get(tenant, key)
        return await self._p.journal.read(lambda c: approvals.show(c, tenant, key))

    async def approve(self, tenant: str, by: str, key: str, plan: str) -> str:
        """Approve what an item waits with; it plans anew and runs if that is still the plan."""

        def unit(connection: sa.Connection) -> str:
            at = self._p.clock.now()
            item = approvals.approve(connection, tenant, key, plan, at)
            subject, detail = f"order:{key}", {"item": item, "plan": plan}
            audit.append(connection, audit.Entry(tenant, at, by, "approve", subject, detail))
            return item

        item = await self._p.journal.write("approve", unit)
        self._p.bell.set()
        return item

    async def choose(self, tenant: str, by: str, key: str, policy: str) -> tuple[str, ...]:
        """What becomes of edits by hand, for the items of this order that wait."""
        wanted = catalogue.OutOfBand(policy)

        def unit(connection: sa.Connection) -> tuple[str, ...]:
            at = self._p.clock.now()
            by_hand.refuse_of_adoption(connection, tenant, key, wanted)
            items = by_hand.choose(
                connection, tenant=tenant, order=key, policy=wanted, by=by, at=at
            )
            subject, detail = f"order:{key}", {"items": list(items), "policy": policy}
            audit.append(connection, audit.Entry(tenant, at, by, "policy", subject, detail))
            return items

        items = await self._p.journal.write("policy", unit)
        self._p.bell.set()
        return items

    async def amend(self, wish: orders.Amendment) -> views.ServiceOrderView:
        """Change an order that has not ended: all of the wish or nothing, synced."""

        def unit(connection: sa.Connection) -> views.ServiceOrderView:
            at = self._p.clock.now()
            if wish.items:
                changing.refuse_of_product(connection, wish.expected.id)
            told = changing.amend_order(connection, self._p, wish, at)
            names = [*wish.attributes, *(f"item {one.id}" for one in wish.items)]
            subject, detail = f"order:{told.id}", {"names": names, "hold": wish.hold}
            entry = audit.Entry(told.tenant, at, wish.by, "amend", subject, detail)
            audit.append(connection, entry)
            return told

        told = await self._p.journal.write("amend", unit)
        self._p.bell.set()
        return told

    async def hold(self, tenant: str, by: str, key: str, reason: str) -> views.ServiceOrderView:
        """Keep from going on what is not decided."""

        def unit(connection: sa.Connection) -> views.ServiceOrderView:
            at = self._p.clock.now()
            told = holds.hold(connection, self._p, tenant, key, by, reason, at)
            subject, detail = f"order:{key}", {"reason": reason}
            audit.append(connection, audit.Entry(tenant, at, by, "hold", subject, detail))
            return told

        told = await self._p.journal.write("hold_order", unit)
        self._p.bell.set()
        return told

    async def release(self, tenant: str, by: str, key: str) -> views.ServiceOrderView:
        """Let what is on hold go on."""

        def unit(connection: sa.Connection) -> views.ServiceOrderView:
            at = self._p.clock.now()
            told = holds.release(connection, self._p, tenant, key, by, at)
            audit.append(connection, audit.Entry(tenant, at, by, "release", f"order:{key}", {}))
            return told

        told = await self._p.journal.write("release_order", unit)
        self._p.bell.set()
        return told

    async def explain(self, tenant: str, key: str) -> views.Explanation:
        """What it waits for, since when, who can help."""
        return await self._p.journal.read(lambda c: explain.explain(c, self._p, tenant, key))
