"""TMF641 v4.1 cancelServiceOrder: a posted task becomes a wish, a view becomes a body.

The specification calls the first state ``accepted``, where TMF622 and TMF652 say acknowledged.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from fastapi import Request

from bss_bridge.engine import rendering as r
from bss_bridge.engine import surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import order_cancel
from oss_agent import errors
from oss_agent.spi import orders, query, views

EXAMPLE: Final = {
    "serviceOrder": {"id": "17", "@type": "ServiceOrderRef", "@referredType": "ServiceOrder"},
    "cancellationReason": "the customer moved",
}
_ABOUT: Final = "serviceOrder"
_STATES: Final = {views.TaskState.ACKNOWLEDGED.value: "accepted"}
_WORDS: Final = {"accepted": views.TaskState.ACKNOWLEDGED.value}


def render(view: views.CancelView, hrefs: Hrefs) -> dict[str, Any]:
    """A task as TMF641 v4.1 shows it."""
    order = r.reference(view.order, hrefs.order(view.order), "ServiceOrder")
    shown = order_cancel.render(view, _ABOUT, hrefs.cancellation(view.id), order)
    shown["state"] = _STATES.get(view.state.value, view.state.value)
    return shown | ({"errorMessage": _error(view.error)} if view.error else {})


def _error(error: views.ErrorView) -> dict[str, Any]:
    words = {"code": error.code, "reason": error.reason, "message": error.message}
    return words | {"@type": "ErrorMessage"}


def creation(tasks: orders.Cancellations, hrefs: Hrefs) -> surface.Create:
    """How an order's cancellation is asked for: stored and synced, then shown."""

    async def create(found: dict[str, Any], request: Request) -> dict[str, Any]:
        wish = order_cancel.wish(found, _ABOUT, surface.caller(request))
        return render(await tasks.request(wish), hrefs)

    return create


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """The tasks to be read, with the specification's word for the first state in filters."""

    tasks: orders.Cancellations

    async def find(self, asked: query.Query, /) -> query.Page[views.CancelView]:
        """Tasks that match."""
        filters = tuple(_known(one) for one in asked.filters)
        return await self.tasks.find(dataclasses.replace(asked, filters=filters))

    async def get(self, tenant: str, key: str) -> views.CancelView:
        """One task; NotFound."""
        return await self.tasks.get(tenant, key)


def _known(one: query.Filter) -> query.Filter:
    if one.path != "state":
        return one
    known = {*_WORDS, *(state.value for state in views.TaskState)} - set(_STATES)
    stranger = next((value for value in one.values if value not in known), None)
    if stranger is not None:
        raise errors.OrderRejected(
            f"there is no state {stranger[:80]!r}; there are: {', '.join(sorted(known))}",
            field="state",
            code="invalidQuery",
        )
    return dataclasses.replace(one, values=tuple(_WORDS.get(v, v) for v in one.values))
