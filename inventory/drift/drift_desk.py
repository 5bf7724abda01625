"""Decides which order of ours reverts or adopts an edit by hand: ``spi.cases.Decider`` of drift.

It is a modify of the service that changes no characteristic, with the choice what becomes of edits by
hand; plan, transaction and proof are those of every order. The device is looked at once more first: what
is not there any more is not decided about, and neither is what an order has in work.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from inventory.drift import audit, case_orders, drift_rows
from inventory.pools import pool_sql
from inventory.rows import history, tables
from oss_agent import errors
from oss_agent.spi import drift, orders, store, views
from oss_agent.spi.cases import CaseView, Decision
from oss_agent.spi.catalogue import OutOfBand

_TRIES: Final = 100
"""Orders of one case at most: each was final when the next was asked for."""
_CHOICE: Final = {Decision.REVERT.value: OutOfBand.REVERT, Decision.ADOPT.value: OutOfBand.ADOPT}
_WORDS: Final = re.compile(r"[^\s,\[\]=]+")


class DriftDesk:
    """Over the auditor that finds drift and the orders that end it."""

    def __init__(self, rows: store.Store, auditor: audit.Auditor, made: orders.Orders) -> None:
        self._store = rows
        self._auditor = auditor
        self._orders = made

    async def decide(self, case: CaseView, decision: str, who: str) -> str:
        """The order's id. OrderRejected (409): it cannot be, by what is there now."""
        found = await self._seen(case)
        service = _service(case, found)
        if decision == Decision.ADOPT:
            await self._refuse_inexpressible(case, service)
        return await self._order(case, service, decision, who)

    async def _seen(self, case: CaseView) -> drift.Difference:
        told = await self._auditor.audit(case.device)
        if told.reason:
            raise _impossible(case, f"{case.device} cannot be compared now: {told.reason}")
        for one in told.differences:
            if drift_rows.case_id(case.device, one) == case.id:
                return one
        raise _impossible(case, "it is not seen any more")

    async def _refuse_inexpressible(self, case: CaseView, service: str) -> None:
        """Every edit of the service is adopted by the one order, so each must fit what is ordered."""
        devices = await self._store.read(lambda c: drift_rows.standing_on(c, case.tenant, service))
        known = await self._store.read(lambda c: held(c, service))
        for device in devices:
            told = await self._auditor.audit(device)
            if told.reason:
                raise _impossible(case, f"{device} cannot be compared now: {told.reason}")
            for one in told.differences:
                if service in one.services and (why := inexpressible(one, known)):
                    raise _impossible(case, f"on {device} {why}")

    async def _order(self, case: CaseView, service: str, decision: str, who: str) -> str:
        """The same order again for the same decision; a new one when that has ended."""
        for number in range(_TRIES):
            made = await self._orders.submit(_request(case, service, decision, who, number))
            if made.created or not made.order.state.final:
                return made.order.id
        raise _impossible(case, f"{_TRIES} orders were tried: look at why they end as they do")


def inexpressible(one: drift.Difference, known: Collection[str]) -> str:
    """Why an order cannot take this as the service's own; "" when it can. Pure.

    ``known`` are the ports and pool values of the service: were another configured than is held, a
    second service could be given what this one uses.
    """
    if len(one.services) > 1:
        return f"{one.path} is shared by {len(one.services)} services: revert it"
    if one.kind is drift.Kind.MISSING and one.whole:
        return f"{one.path} is gone whole: end the service by an order, or revert it"
    mine = sorted(set(_WORDS.findall(f"{one.path} {one.was}")) & set(known))
    if one.kind is not drift.Kind.EXTRA and mine:
        return f"{one.path} was {', '.join(mine)}, which the service holds: order the change"
    return ""


def _service(case: CaseView, found: drift.Difference) -> str:
    """Any owner's order puts a shared node right; what is extra in one nobody alone may take away."""
    first = next(iter(found.services), None)
    if first is None:
        raise _impossible(case, "no service owns it any more")
    if found.kind is drift.Kind.EXTRA and len(found.services) > 1:
        raise _impossible(case, "several services own what it stands in: remove it on the device")
    return first


def _request(
    case: CaseView, service: str, decision: str, who: str, number: int
) -> orders.OrderRequest:
    key = f"case-{case.id}-{case.since:%Y%m%dT%H%M%S}-{decision}-{number}"
    resource = orders.by_itself(service)
    item = orders.ItemRequest(
        id="1",
        action=views.ItemAction.MODIFY,
        specification="",
        specification_version=None,
        service_id=service,
        service_name=None,
        characteristics={},
        path=f"{'orderItem' if resource else 'serviceOrderItem'}[0]",
        resource=resource,
    )
    return orders.OrderRequest(
        tenant=case.tenant,
        requester=case_orders.REQUESTER,
        items=(item,),
        body_digest=hashlib.sha256(key.encode()).hexdigest(),
        by_hand=_CHOICE[decision],
        idempotency_key=key,
        description=f"{decision} of case {case.id} by {who}: {case.text}",
    )


def held(connection: sa.Connection, service: str) -> frozenset[str]:
    """A service's ports and the values that it has of pools."""
    p, v = tables.port_claims, tables.pool_claims
    ports = sa.select(p.c.port).where(history.current(p), p.c.service == service)
    mine = sa.and_(pool_sql.of_service(service), v.c.released_at.is_(None))
    values = sa.select(v.c.text, v.c.value).where(history.current(v), mine)
    claimed = (text or str(value) for text, value in connection.execute(values))
    return frozenset([*connection.execute(ports).scalars(), *claimed])


def _impossible(case: CaseView, why: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"case {case.id}: {why}", field="decision", status=409, code="notPossible"
    )
