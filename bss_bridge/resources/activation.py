"""TMF640: a service that is posted, patched or deleted becomes a service order of one item.

The same intake takes it as an order of TMF641, idempotency, approval and refusals included; the
answer is 202 with the monitor, because completed means proven and that takes its time.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request

from bss_bridge.engine import hrefs, intake, surface, writes
from bss_bridge.resources import order_body, ordering, tmf640
from oss_agent import errors
from oss_agent.spi import orders, views
from oss_agent.spi.query import Port

Json = dict[str, Any]
_OURS: Final = ("id", "href", "startDate", "endDate", "operatingStatus")
_CHARACTERISTICS: Final = "serviceCharacteristic"
_STATES: Final = ("state", "isServiceEnabled")
_PATCHED: Final = frozenset({_CHARACTERISTICS, *_STATES})
EXAMPLE: Final[Json] = {
    "name": "acme-hq-branch",
    "state": "active",
    "serviceSpecification": {"id": "eline", "@type": "ServiceSpecificationRef"},
    _CHARACTERISTICS: [
        {"name": "aEnd", "value": "pe1:eth4"},
        {"name": "zEnd", "value": "pe2:eth4"},
        {"name": "bandwidth", "value": 20},
    ],
}


@dataclasses.dataclass(frozen=True, slots=True)
class Activation:
    """The ports behind it: ``monitors`` are the orders that came this way."""

    orders: orders.Orders
    services: Port[views.ServiceView]
    monitors: Port[views.ServiceOrderView]


def routers(
    behind: Activation, links: hrefs.Hrefs, paging: surface.Paging
) -> tuple[APIRouter, ...]:
    """Services and monitors; their hub is with the others."""
    desk = _Desk(behind.orders, links)
    service: surface.Resource[views.ServiceView] = surface.Resource(
        "service",
        (hrefs.ACTIVATION,),
        behind.services,
        lambda view: tmf640.service(view, links),
        create=desk.create,
        patch=writes.Patch(_PATCHED, desk.change),
        delete=desk.end,
        example=EXAMPLE,
        wide=True,
        monitored=True,
    )
    monitor: surface.Resource[views.ServiceOrderView] = surface.Resource(
        "monitor",
        (hrefs.ACTIVATION,),
        tmf640.MonitorPort(behind.monitors),
        lambda order: tmf640.monitor(order, links),
        wide=True,
    )
    return (surface.router(service, paging), surface.router(monitor, paging))


@dataclasses.dataclass(frozen=True, slots=True)
class _Desk:
    """Takes requests; what they ask for is the order's."""

    orders: orders.Orders
    links: hrefs.Hrefs

    async def create(self, found: Json, request: Request) -> writes.Accepted:
        """A new service, which shall be active."""
        order_body.refuse_given(found, _OURS, "")
        if "state" not in found:
            raise errors.OrderRejected("is missing: say active", field="state")
        return await self._ordered(views.ItemAction.ADD, found, request)

    async def change(
        self, change: writes.Change[views.ServiceView], request: Request
    ) -> views.ServiceView | writes.Accepted:
        """What differs, as a modify; the view when no value does."""
        _require_alive(change.view)
        wished: Json = {}
        if _CHARACTERISTICS in change.names:
            wished = {_CHARACTERISTICS: _differing(change.before, change.after)}
        for name in _STATES:
            if change.after.get(name) is not None and name in change.names:
                wished[name] = change.after[name]
        if not any(wished[name] != [] for name in wished):
            return change.view
        named = {"id": change.view.id} | wished
        return await self._ordered(views.ItemAction.MODIFY, named, request)

    async def end(self, view: views.ServiceView, request: Request) -> writes.Accepted:
        """The service is to be terminated."""
        _require_alive(view)
        return await self._ordered(views.ItemAction.DELETE, {"id": view.id}, request)

    async def _ordered(
        self, action: views.ItemAction, service: Json, request: Request
    ) -> writes.Accepted:
        item = {"id": "1", "action": action.value, "service": service}
        parties = {"relatedParty": service["relatedParty"]} if "relatedParty" in service else {}
        with _in_its_own_words():
            asked = ordering.request_of({"serviceOrderItem": [item]} | parties, request)
            asked = dataclasses.replace(
                asked,
                surface=orders.ACTIVATION,
                body_digest=intake.digest({orders.ACTIVATION: item}),
            )
            submitted = await self.orders.submit(asked)
        shown = tmf640.monitor(submitted.order, self.links)
        return writes.Accepted(shown, shown["id"], shown["href"])


def _require_alive(view: views.ServiceView) -> None:
    if view.state is views.ServiceState.TERMINATED:
        raise errors.OrderRejected(
            f"service {view.id} is terminated: add a new one",
            field="state",
            status=409,
            code="conflict",
        )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Any]:
    """Characteristics whose value is another; one that a patch leaves out is taken back (null).

    A patch replaces an array as a whole (RFC 7396): whoever leaves one out takes it away. What is
    malformed stays in, so that the reader of orders refuses it by its place.
    """
    old = {one["name"]: one["value"] for one in before.get(_CHARACTERISTICS, ())}
    new = after.get(_CHARACTERISTICS) or []
    if not isinstance(new, list):
        raise errors.OrderRejected("must be a list", field=_CHARACTERISTICS)
    named = [one.get("name") if isinstance(one, Mapping) else None for one in new]
    changed = [
        one
        for name, one in zip(named, new, strict=True)
        if not (isinstance(name, str) and name in old and old[name] == one.get("value"))
    ]
    return changed + [{"name": name, "value": None} for name in old if name not in named]


@contextlib.contextmanager
def _in_its_own_words() -> Iterator[None]:
    """A refusal names the field as it stands in the service, not in the order that it becomes."""
    try:
        yield
    except errors.OrderRejected as bad:
        raise errors.OrderRejected(
            bad.reason,
            field=bad.field.removeprefix(tmf640.ITEM),
            status=bad.status,
            code=bad.code,
        ) from bad
