"""What billing systems say back: suspend, resume, terminate. A wish becomes an order like any other.

One path per connector, ``/billing/<name>``. Who sends is known by the connector's own secret, not by a
token of ours; a kind that can be asked is asked whether it is so before anything is ordered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bss_bridge.connectors import sender, talk
from bss_bridge.engine import door, hrefs, intake, surface
from bss_bridge.events import delivery
from oss_agent import errors
from oss_agent.spi import access, orders, views
from oss_agent.spi.events import Attempt, Delivery
from oss_agent.spi.query import Filter, Operator, Port, Query


class Wish(StrEnum):
    """What is to become of a service."""

    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish: ``services`` as billing knows them, ``key`` the same whenever the same is said again.

    ``undoes`` is the key of the wish that it takes back: where that never came, there is nothing to
    do. Of several services those that are not ours are left out: billing sells other things, too.
    """

    wish: Wish
    services: tuple[str, ...]
    key: str
    reason: str = "non-payment"
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Understood, and nothing to do; ``reason`` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


Hearing: TypeAlias = Generator[talk.Request, talk.Answer, "Wanted | Nothing | Attempt"]
"""Reads what was said; may ask the billing system itself. An Attempt: it could not be asked."""


class Ear(Protocol):
    """How one kind of billing system speaks to us."""

    def knows(self, sent: Sent) -> bool:
        """Is it from somebody who has the secret? Compared in constant time."""
        ...

    def hear(self, found: Mapping[str, Any]) -> Hearing:
        """What it means. OrderRejected (400) names the field that is wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A connector that may speak to us, about services of its tenant."""

    name: str
    tenant: str
    ear: Ear
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """Hears the lines and orders what they wish."""

    lines: Mapping[str, Line]
    mouth: sender.Mouth
    orders: orders.Orders
    services: Port[views.ServiceView]
    links: hrefs.Hrefs

    async def receive(self, name: str, sent: Sent) -> Response:
        """Answer one message. OrderRejected tells the sender what is wrong with it."""
        line = self.lines.get(name)
        if line is None or not line.ear.knows(sent):
            raise errors.OrderRejected(
                "it is not signed with the secret of a connector of this name",
                status=401,
                code="unsigned",
            )
        intake.require_json(sent.headers.get("content-type"))
        heard = await self._hear(line, intake.document(sent.body))
        if isinstance(heard, Nothing):
            return JSONResponse({"done": "nothing", "reason": heard.reason})
        return await self._carry_out(line, heard)

    async def _hear(self, line: Line, found: Mapping[str, Any]) -> Wanted | Nothing:
        hearing = line.ear.hear(found)
        try:
            request = next(hearing)
            while True:
                answer = await self.mouth.ask(request)
                if isinstance(answer, Attempt):
                    raise _unasked(answer)
                request = hearing.send(answer)
        except StopIteration as end:
            heard: Wanted | Nothing | Attempt = end.value
        if isinstance(heard, Attempt):
            raise _unasked(heard)
        return heard

    async def _carry_out(self, line: Line, wanted: Wanted) -> Response:
        found = await self._services(line, wanted.services)
        living = [one for one in found if one.state is not views.ServiceState.TERMINATED]
        if not living:
            return JSONResponse({"done": "nothing", "reason": "it is terminated already"})
        if wanted.undoes is not None and not await self._ordered(line, wanted.undoes):
            return JSONResponse({"done": "nothing", "reason": "it was not suspended because of it"})
        submitted = await self.orders.submit(_order(line, wanted, living))
        key = submitted.order.id
        shown = {"done": "ordered", "serviceOrder": {"id": key, "href": self.links.order(key)}}
        return JSONResponse(shown, 201 if submitted.created else 200)

    async def _ordered(self, line: Line, key: str) -> bool:
        """Did this connector order by this key before?"""
        same = Filter("externalId", Operator.EQ, (key,))
        page = await self.orders.find(Query(line.tenant, (same,), limit=_MOST))
        return any(one.requester == _requester(line) for one in page.items)

    async def _services(self, line: Line, named: Sequence[str]) -> list[views.ServiceView]:
        """Those that are ours. NotFound when none is."""
        found: list[views.ServiceView] = []
        for name in named[:_MOST]:
            try:
                found.append(await self._service(line, name))
            except errors.NotFound:
                if len(named) == 1:
                    raise
        if not found:
            raise errors.NotFound("a service of any of these subscriptions")
        return found

    async def _service(self, line: Line, named: str) -> views.ServiceView:
        """The one meant. NotFound; OrderRejected (409) when a name is not enough."""
        if not line.by_name:
            return await self.services.get(line.tenant, named)
        same = Filter("name", Operator.EQ, (named,))
        page = await self.services.find(Query(line.tenant, (same,), limit=_MOST))
        whole = [one for one in page.items if one.category == "CFS"]
        live = [one for one in whole if one.state is not views.ServiceState.TERMINATED]
        if len(live) > 1:
            raise errors.OrderRejected(
                f"{len(live)} services have this name: say it by a TMF641 order with the id",
                status=409,
                code="ambiguous",
            )
        if not whole:
            raise errors.NotFound(f"service {named[:80]!a}")
        return (live or whole)[0]


_MOST: Final = 100
_STATES: Final = {
    Wish.SUSPEND: views.ServiceState.INACTIVE,
    Wish.RESUME: views.ServiceState.ACTIVE,
}


def _unasked(attempt: Attempt) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"the billing system could not be asked whether it is so: {attempt.reason}",
        status=503,
        code="unavailable",
    )


def _order(
    line: Line, wanted: Wanted, services: Sequence[views.ServiceView]
) -> orders.OrderRequest:
    """A service order with an item for each. The same wish said again is the same order."""
    said = {"wish": wanted.wish.value, "services": list(wanted.services)}
    return orders.OrderRequest(
        tenant=line.tenant,
        requester=_requester(line),
        items=tuple(_item(wanted.wish, n, one) for n, one in enumerate(services, start=1)),
        body_digest=intake.digest(said),
        idempotency_key=wanted.key,
        external_id=wanted.key,
        description=f"{wanted.wish} for {wanted.reason}, by {line.name}",
    )


def _item(wish: Wish, number: int, service: views.ServiceView) -> orders.ItemRequest:
    state = _STATES.get(wish)
    return orders.ItemRequest(
        id=str(number),
        action=views.ItemAction.DELETE if state is None else views.ItemAction.MODIFY,
        specification="",
        specification_version=None,
        service_id=service.id,
        service_name=None,
        characteristics={},
        path="service",
        service_state=state,
    )


def _requester(line: Line) -> str:
    return f"billing:{line.name}"


def silence(answer: talk.Answer) -> Attempt | None:
    """Why an answer says nothing: it was refused, or cannot be read to its end. None: it does."""
    outcome = answer.outcome()
    if outcome.delivery is not Delivery.DONE:
        return outcome
    if answer.json() is None:
        return Attempt(Delivery.PARKED, f"its answer is no JSON of at most {delivery.ANSWER} bytes")
    return None


def text(found: Mapping[str, Any], *path: str) -> str:
    """A word of at most 255 letters at a place of a message. OrderRejected (400) names the place."""
    value: Any = found
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST:
        raise errors.OrderRejected(
            f"must be a text of 1 to {_LONGEST} letters", field=".".join(path)
        )
    return value


_LONGEST: Final = 255


def word(said: str) -> str:
    """An idempotency key from what a stranger calls a message: one short word, whatever it holds."""
    return f"{said.partition(':')[0]}-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def router(office: Office) -> APIRouter:
    """POST /billing/{name}, for whoever has the connector's secret."""
    out = APIRouter(tags=["Billing"])

    @out.post(
        f"{door.SIGNED}{{name}}",
        summary="What a billing system says: suspend, resume, terminate",
        openapi_extra=access.needs(access.Permission.PUBLIC) | surface.body_example(_EXAMPLE),
    )
    async def receive(name: str, request: Request) -> Response:
        sent = Sent(request.headers, request.query_params, await request.body())
        return await office.receive(name, sent)

    return out


_EXAMPLE: Final = {"id": "4711", "action": "terminate", "service": "s1", "reason": "non-payment"}
