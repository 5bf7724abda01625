"""Posting: TMF641 bodies to ``spi.orders.Orders``, for the order itself and for its dry-run.

TMF652 bodies take the same way: headers, idempotency and approval are one.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bss_bridge.engine import surface, writes
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_body, order_patch, resource_body, tmf641
from oss_agent import errors
from oss_agent.spi import access, catalogue, fallout, orders, views

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
EXAMPLE: Final = {
    "externalId": "BSS-4711",
    "description": "E-Line between two sites",
    "relatedParty": [
        {"id": "acme", "role": "customer", "@type": "RelatedParty", "@referredType": "Organization"}
    ],
    "serviceOrderItem": [
        {
            "id": "1",
            "action": "add",
            "service": {
                "name": "acme-hq-branch",
                "serviceSpecification": {"id": "eline", "@type": "ServiceSpecificationRef"},
                "serviceCharacteristic": [
                    {"name": "aEnd", "value": "pe1:eth4"},
                    {"name": "zEnd", "value": "pe2:eth4"},
                    {"name": "bandwidth", "value": 20},
                ],
            },
        }
    ],
}


def request_of(
    found: dict[str, Any], request: Request, *, resources: bool = False
) -> orders.OrderRequest:
    """The order a request carries, in its caller's name. OrderRejected names the field.

    It is one of ``resources`` by themselves (TMF652), or of services (TMF641).
    """
    caller = surface.caller(request)
    read = resource_body.order_request if resources else order_body.order_request
    order = read(
        found, tenant=caller.tenant, sender=caller.name, idempotency_key=idempotency_key(request)
    )
    return dataclasses.replace(
        order,
        approved=_approved(request),
        by_hand=_by_hand(request, caller),
        fallout=fallout_policy(request),
    )


def fallout_policy(request: Request) -> str | None:
    """``Fallout``: what becomes of an item that fails for good. OrderRejected for another word."""
    given = request.headers.getlist("fallout")
    if len(given) > 1 or not set(given) <= set(fallout.Policy):
        words = ", ".join(fallout.Policy)
        raise errors.OrderRejected(f"must be one of {words}", field="Fallout")
    return given[0] if given else None


def _by_hand(request: Request, caller: access.Caller) -> str | None:
    """``Out-Of-Band``: what becomes of edits by hand, which only an operator may choose."""
    given = request.headers.getlist("out-of-band")
    if not given:
        return None
    if len(given) > 1 or given[0] not in set(catalogue.OutOfBand):
        words = ", ".join(catalogue.OutOfBand)
        raise errors.OrderRejected(f"must be one of {words}", field="Out-Of-Band")
    if not caller.may(access.Permission.OPERATE):
        raise errors.OrderRejected(
            "only an operator chooses that", field="Out-Of-Band", status=403, code="forbidden"
        )
    return given[0]


def _approved(request: Request) -> tuple[str, ...]:
    """The hashes of ``Plan-Hash``, one an item: what a dry-run showed and a person approved."""
    # an empty one is refused: a client whose variable was empty believes its plan is checked
    given = request.headers.getlist("plan-hash")
    words = [word.strip() for word in ",".join(given).split(",")] if given else []
    if not all(_HASH.fullmatch(word) for word in words):
        raise errors.OrderRejected(
            "must be the hash of a dry-run, 64 hexadecimal digits; one an item, commas between",
            field="Plan-Hash",
        )
    return tuple(words)


def idempotency_key(request: Request) -> str | None:
    """The sender's own key of this request. OrderRejected (400) when it is none."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1 or (keys and not _KEY.fullmatch(keys[0])):
        raise errors.OrderRejected(
            "must be one word of at most 255 visible ASCII characters", field="Idempotency-Key"
        )
    return keys[0] if keys else None


def creation(book: orders.Orders, hrefs: Hrefs) -> surface.Create:
    """How a service order is created: stored and synced, then shown. 201 also when it was here."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        submitted = await book.submit(request_of(found, request))
        return tmf641.render(submitted.order, hrefs)

    return create


def patch(book: orders.Orders) -> writes.Patch[views.ServiceOrderView]:
    """How a service order is changed: amended in its owner's unit, then shown."""

    async def apply(
        change: writes.Change[views.ServiceOrderView], request: Request
    ) -> views.ServiceOrderView:
        by = surface.caller(request).name
        return await book.amend(order_patch.of_service(change, by))

    return writes.Patch(order_patch.SERVICE.attributes, apply)


def plan_router(book: orders.Orders) -> APIRouter:
    """POST /api/v1/plan: what the same body (TMF641, TMF652) would do; claims and stores nothing."""
    out = APIRouter(tags=["Orders and services"])

    @out.post(
        "/api/v1/plan",
        summary="What an order would do",
        openapi_extra=access.needs(access.Permission.PLAN) | surface.body_example(EXAMPLE),
    )
    async def plan(request: Request) -> JSONResponse:
        found = await surface.json_body(request)
        resources = "orderItem" in found and "serviceOrderItem" not in found
        asked = request_of(found, request, resources=resources)
        return JSONResponse(views.as_json(await book.plan(asked)))

    return out
