"""TMF653: the tests that proved services, tests on demand, and what each specification tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request

from bss_bridge.engine import hrefs, shelves, surface, wire
from bss_bridge.resources import order_body, tmf653
from oss_agent import errors
from oss_agent.spi.service_tests import Mode, ServiceTestRequest, ServiceTests, ServiceTestView
from oss_agent.spi.specifications import Facing, Shelf, SpecificationView

_OURS: Final = ("id", "href", "state", "testMeasure", "endDateTime", "reason", "relatedEntity")
_UNDONE: Final = ("startDateTime", "validFor", "characteristic")
EXAMPLE: Final = {
    "name": "is it well?",
    "relatedService": {"id": "s17-1", "@type": "ServiceRef"},
    "testSpecification": {"id": "eline", "@type": "ServiceTestSpecificationRef"},
    "mode": Mode.ON_DEMAND.value,
}


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The ports behind it."""

    tests: ServiceTests
    shelf: Shelf


def routers(
    behind: Laboratory, links: hrefs.Hrefs, paging: surface.Paging
) -> tuple[APIRouter, ...]:
    """Tests and their specifications; their hub is with the others."""

    def specification(view: SpecificationView) -> dict[str, Any]:
        return tmf653.specification(view, links)

    def tested() -> tuple[SpecificationView, ...]:
        return tuple(one for one in behind.shelf.services() if one.facing is Facing.CUSTOMER)

    test: surface.Resource[ServiceTestView] = surface.Resource(
        "serviceTest",
        (hrefs.SERVICE_TEST,),
        behind.tests,
        lambda view: tmf653.render(view, links),
        create=creation(behind.tests, links),
        example=EXAMPLE,
        wide=True,
    )
    specifications: surface.Resource[SpecificationView] = surface.Resource(
        "serviceTestSpecification",
        (hrefs.SERVICE_TEST,),
        shelves.ShelfPort(tested, specification),
        specification,
        wide=True,
    )
    return (surface.router(test, paging), surface.router(specifications, paging))


def creation(tests: ServiceTests, links: hrefs.Hrefs) -> surface.Create:
    """How a test is asked for: stored and synced, then shown; it runs afterwards."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        caller = surface.caller(request)
        return tmf653.render(await tests.request(wish(found, caller.tenant, caller.name)), links)

    return create


def wish(found: dict[str, Any], tenant: str, sender: str) -> ServiceTestRequest:
    """Translate one posted test. OrderRejected (400) names the field."""
    order_body.refuse_given(found, _OURS, "")
    body = wire.parse(wire.ServiceTest, found)
    undone = next((name for name in _UNDONE if found.get(name)), None)
    if body.mode not in {None, Mode.ON_DEMAND}:
        undone = "mode"
    if undone is not None:
        raise errors.OrderRejected(
            "a test runs once and at once, as its specification says: leave it out",
            field=undone,
            code="notSupported",
        )
    return ServiceTestRequest(
        tenant=tenant,
        asked_by=sender,
        name=body.name,
        service=body.service.id,
        specification=body.specification.id,
        version=body.specification.version,
        description=body.description,
        extra=body.model_extra or {},
    )
