"""TMF638 Service Inventory v4: a service view becomes a body."""

from __future__ import annotations

from typing import Any

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from oss_agent.spi import views


def render(view: views.ServiceView, hrefs: Hrefs) -> dict[str, Any]:
    """A service; operatingStatus is v5's attribute, an extension in v4.

    The order stands in relatedEntity: serviceOrderItem would need an item id that a service, made
    by one order and touched by others, does not have. A suspended one is inactive: it has started
    and is not enabled.
    """
    enabled = view.state is views.ServiceState.ACTIVE
    own = {
        "id": view.id,
        "href": hrefs.service(view.id),
        "name": view.name,
        "category": view.category,
        "serviceType": view.specification.name,
        "state": view.state.value,
        "hasStarted": enabled or view.state is views.ServiceState.INACTIVE,
        "isServiceEnabled": enabled,
        "serviceDate": r.stamp(view.service_date),
        "startDate": r.stamp(view.start_date),
        "endDate": r.stamp(view.end_date),
        "serviceSpecification": r.specification(view.specification),
        "serviceCharacteristic": r.characteristics(view.characteristics),
        "relatedParty": r.customer(view.customer),
        "relatedEntity": _order(view, hrefs),
        "supportingService": [
            r.reference(key, hrefs.service(key), "Service") for key in view.supporting_services
        ],
        "supportingResource": [
            r.reference(key, hrefs.resource(key), "Resource") for key in view.supporting_resources
        ],
        "operatingStatus": view.operating_status.value,
        "operatingStatusDate": r.stamp(view.status_since),
        "operatingStatusReason": view.cause,
        "@type": "Service",
    }
    return r.present(own)


def _order(view: views.ServiceView, hrefs: Hrefs) -> list[dict[str, Any]] | None:
    if view.order is None:
        return None
    order = r.reference(view.order, hrefs.order(view.order), "ServiceOrder")
    return [order | {"role": "serviceOrder"}]
