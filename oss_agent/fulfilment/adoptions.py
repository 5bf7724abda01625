"""What is on devices already, found and made services of ours: implements ``spi.adoption.Adoptions``.

Finding reads whole configurations; planning and running are those of an order, which decides alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import plain
from oss_agent.fulfilment.talk import contact
from oss_agent.spi import adoption, catalogue, device, fallout, orders, views
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.tree import Tree, path_text

_Found = tuple[str, device.Recognised]


class Adoptions:
    """Reads devices, and hands orders to their owner."""

    def __init__(
        self, p: parts.Parts, book: orders.Orders, recogniser: adoption.Recogniser
    ) -> None:
        self._p = p
        self._book = book
        self._recogniser = recogniser

    async def find(self, tenant: str, devices: Sequence[str]) -> adoption.Survey:
        """What of these devices' configurations may become a service, but what one owns already."""
        names = tuple(dict.fromkeys(devices))
        await self._p.journal.read(lambda c: self._refuse_unknown(c, tenant, names))
        try:
            each = await contact.together([self._read(name) for name in names])
        except errors.DeviceError as trouble:
            raise errors.OrderRejected(str(trouble), status=409, code="device") from trouble
        found = [(name, one) for name, there in zip(names, each, strict=True) for one in there]
        return self._recogniser.recognise(await self._nobodys(found))

    def _refuse_unknown(self, connection: sa.Connection, tenant: str, names: Sequence[str]) -> None:
        known = self._p.ledger.around(connection, tenant, devices=names, name="").devices
        for name in names:
            if name not in known:
                raise errors.NotFound(f"device {ascii(name)[:60]}")

    async def _read(self, name: str) -> tuple[device.Recognised, ...]:
        driver = await self._p.contact.driver(name)
        trees = await contact.together([self._whole(name, store) for store in driver.stores])
        stores = dict(zip(driver.stores, trees, strict=True))
        # A large configuration is read for as long as the loop must not stand still.
        return await asyncio.to_thread(driver.recognise, stores, self._recogniser.templates())

    async def _whole(self, name: str, store: str) -> Tree:
        return await self._p.contact.ask(name, store, lambda talk: talk.read([()]))

    async def _nobodys(self, found: Sequence[_Found]) -> list[adoption.Part]:
        def unit(connection: sa.Connection) -> list[adoption.Part]:
            owners = self._p.ledger.owners
            return [
                _part(name, one)
                for name, one in found
                if not owners(connection, name, one.store, path_text(one.at))
            ]

        return await self._p.journal.read(unit)

    async def plan(self, tenant: str, candidate: adoption.Candidate) -> views.DryRun:
        """The dry-run of the order that would adopt it."""
        (told,) = await self._book.plan(self._order(tenant, "", candidate, None))
        return told

    async def run(
        self,
        tenant: str,
        by: str,
        candidate: adoption.Candidate,
        idempotency_key: str | None = None,
    ) -> orders.Submitted:
        """The order that adopts it. OrderRejected (400) while nobody said whose it is."""
        if not candidate.customer:
            raise errors.OrderRejected(
                "say whose it is: only a person knows the customer of what is there already",
                field="customer",
                code="missingProperty",
            )
        return await self._book.submit(self._order(tenant, by, candidate, idempotency_key))

    def _order(
        self, tenant: str, by: str, candidate: adoption.Candidate, key: str | None
    ) -> orders.OrderRequest:
        where = ", ".join(candidate.parts) or "where its characteristics say"
        note = {"text": f"adopts what is at {where}", "date": rfc3339(self._p.clock.now())}
        return orders.OrderRequest(
            tenant=tenant,
            requester=candidate.customer,
            items=(_item(candidate),),
            body_digest=_digest(candidate),
            by_hand=catalogue.OutOfBand.AS_IS,
            fallout=fallout.Policy.FAIL,
            idempotency_key=key,
            description=f"adoption of {candidate.name}" + (f" by {by}" if by else ""),
            extra={"note": [{"author": by, **note, "@type": "Note"}]} if by else {},
        )


def _part(name: str, one: device.Recognised) -> adoption.Part:
    at = plain.line(f"{one.store} {path_text(one.at)}")
    return adoption.Part(name, one.template, one.slots, at, plain.line(one.unfit))


def _item(candidate: adoption.Candidate) -> orders.ItemRequest:
    return orders.ItemRequest(
        id="1",
        action=views.ItemAction.ADD,
        specification=candidate.specification,
        specification_version=candidate.version or None,
        service_id=None,
        service_name=candidate.name,
        characteristics=candidate.characteristics,
        path="serviceOrderItem[0]",
        claims=candidate.claims,
    )


def _digest(candidate: adoption.Candidate) -> str:
    """The same for the same wish: what was found beside it does not count."""
    wish: Mapping[str, object] = {
        "specification": [candidate.specification, candidate.version],
        "name": candidate.name,
        "customer": candidate.customer,
        "characteristics": candidate.characteristics,
        "claims": candidate.claims,
    }
    return hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()
