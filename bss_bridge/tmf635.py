"""TMF635 Usage v4: a usage view becomes the body that is posted to billing (Usage_Create)."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge import rendering as r
from oss_agent.spi import views

SPECIFICATION: Final = "service-octets"


def render(view: views.UsageView) -> dict[str, Any]:
    """One usage record, without id and href: a poster of usage does not choose those.

    ``usageKey`` repeats the idempotency key for receivers that drop headers. An unknown interval
    has a ``gap`` and no octets: zero would be a lie that costs money.
    """
    values: dict[str, Any] = {
        "usageKey": view.key,
        "serviceId": view.service,
        "serviceName": view.service_name,
        "meterPoint": view.meter_point,
        "periodStart": r.stamp(view.period_start),
        "periodEnd": r.stamp(view.period_end),
        "revision": view.revision,
        "octetsIn": view.octets_in,
        "octetsOut": view.octets_out,
        "gap": view.gap,
        "sampleStart": view.samples[0],
        "sampleEnd": view.samples[1],
        "correctionOf": view.correction_of,
    }
    own = {
        "description": f"Octets of {view.service_name} at {view.meter_point}",
        "usageDate": r.stamp(view.period_end),
        "usageType": "octets",
        "status": "received",
        "usageCharacteristic": r.characteristics(values),
        "usageSpecification": {
            "id": SPECIFICATION,
            "name": "Octets of a service's access port",
            "@type": "UsageSpecificationRef",
            "@referredType": "UsageSpecification",
        },
        "relatedParty": r.customer(view.customer),
        "@type": "Usage",
    }
    return r.present(own)
