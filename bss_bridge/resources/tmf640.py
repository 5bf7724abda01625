"""TMF640 Service Activation v4: services where they can be changed, and the monitors of changes.

A monitor is a service order of one item: what was asked is told from the item, what came of it
from the order's state.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import ACTIVATION, Hrefs
from bss_bridge.resources import tmf638, tmf641
from oss_agent.spi import query, views

Json = dict[str, Any]
ITEM: Final = "serviceOrderItem[0].service."
"""Where an attribute of a TMF640 service stands in the order that it becomes."""
_DONE: Final = {
    views.ItemAction.ADD: ("POST", "201"),
    views.ItemAction.MODIFY: ("PATCH", "200"),
    views.ItemAction.DELETE: ("DELETE", "204"),
}
_REFUSED: Final = frozenset({views.OrderState.REJECTED, views.OrderState.CANCELLED})
_PLAIN: Final = [{"name": "Content-Type", "value": "application/json", "@type": "HeaderItem"}]


def service(view: views.ServiceView, hrefs: Hrefs) -> Json:
    """The service of the inventory, with its place here."""
    return tmf638.render(view, hrefs) | {"href": hrefs.activated(view.id)}


def monitor(order: views.ServiceOrderView, hrefs: Hrefs) -> Json:
    """A monitor; ``response`` is there when the order has ended. Headers are not kept.

    It is about the first item: whoever amends the order may have added others.
    """
    item = order.items[0]
    own = {
        "id": order.id,
        "href": hrefs.monitor(order.id),
        "sourceHref": hrefs.activated(item.service_id),
        "state": _state(order.state),
        "request": _request(item, hrefs),
        "response": _response(order, item, hrefs) if order.state.final else None,
        "@type": "Monitor",
    }
    return r.present(own)


def _state(state: views.OrderState) -> str:
    if state is views.OrderState.COMPLETED:
        return "Completed"
    return "InError" if state.final else "InProgress"


def _request(item: views.OrderItemView, hrefs: Hrefs) -> Json:
    """What was asked, told again from what was understood of it."""
    method, _ = _DONE[item.action]
    adding = item.action is views.ItemAction.ADD
    shown = tmf641.service_of(item, hrefs)
    if adding:
        body = {name: value for name, value in shown.items() if name not in {"id", "href"}}
    else:
        body = {k: v for k, v in shown.items() if k in {"serviceCharacteristic", "state"}}
    return {
        "method": method,
        "to": hrefs.to(f"{ACTIVATION}/service") if adding else hrefs.activated(item.service_id),
        "body": "" if item.action is views.ItemAction.DELETE else json.dumps(body),
        "header": _PLAIN,
        "@type": "Request",
    }


def _response(order: views.ServiceOrderView, item: views.OrderItemView, hrefs: Hrefs) -> Json:
    """What a request that waits for its end would have been answered."""
    body: Json | None = {"id": item.service_id, "href": hrefs.activated(item.service_id)}
    status = _DONE[item.action][1]
    if order.state is not views.OrderState.COMPLETED:
        status = "409" if order.state in _REFUSED else "500"
        body = _error(item.error or order.error, order)
    elif item.action is views.ItemAction.DELETE:
        body = None
    return {
        "statusCode": status,
        "body": "" if body is None else json.dumps(body),
        "header": _PLAIN,
        "@type": "Response",
    }


def _error(found: views.ErrorView | None, order: views.ServiceOrderView) -> Json:
    if found is None:
        return {"code": order.state.value, "reason": f"order {order.id} is {order.state.value}"}
    own = {"code": found.code, "reason": found.reason, "message": found.message}
    reference = (found.reference or "").removeprefix(ITEM)
    return own | ({"referenceError": reference} if reference else {})


@dataclasses.dataclass(frozen=True, slots=True)
class MonitorPort:
    """The monitors to be read; whoever filters by sourceHref means the id at its end."""

    monitors: query.Port[views.ServiceOrderView]

    async def find(self, asked: query.Query, /) -> query.Page[views.ServiceOrderView]:
        """Monitors that match. OrderRejected (400)."""
        return await self.monitors.find(
            dataclasses.replace(
                asked,
                filters=tuple(map(_by_service, asked.filters)),
                either=tuple(tuple(map(_by_service, group)) for group in asked.either),
            )
        )

    async def get(self, tenant: str, key: str) -> views.ServiceOrderView:
        """One monitor; NotFound."""
        return await self.monitors.get(tenant, key)


def _by_service(one: query.Filter) -> query.Filter:
    if one.path != "sourceHref":
        return one
    values = tuple(value.rpartition("/service/")[2] for value in one.values)
    return dataclasses.replace(one, values=values)
