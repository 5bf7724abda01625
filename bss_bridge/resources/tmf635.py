"""TMF635 Usage v4: a usage view becomes what is posted to billing, and what is read here again."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import USAGE, Hrefs
from oss_agent.spi import views

SPECIFICATION: Final = "service-octets"
NAME: Final = "Octets of a service's access port"


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
            "name": NAME,
            "@type": "UsageSpecificationRef",
            "@referredType": "UsageSpecification",
        },
        "relatedParty": r.customer(view.customer),
        "@type": "Usage",
    }
    return r.present(own)


def kept(view: views.UsageView, hrefs: Hrefs) -> dict[str, Any]:
    """The same record where it can be read: its id is its idempotency key."""
    own = render(view)
    place = hrefs.to(f"{USAGE}/usageSpecification", SPECIFICATION)
    named = own["usageSpecification"] | {"href": place}
    return {"id": view.key, "href": hrefs.usage(view.key)} | own | {"usageSpecification": named}


def specification(hrefs: Hrefs) -> dict[str, Any]:
    """The one UsageSpecification that all records have."""
    names = ("octetsIn", "octetsOut", "periodStart", "periodEnd", "meterPoint", "gap")
    return {
        "id": SPECIFICATION,
        "href": hrefs.to(f"{USAGE}/usageSpecification", SPECIFICATION),
        "name": NAME,
        "description": "Integer octets in each direction; an interval with a gap has none",
        "version": "1.0",
        "lifecycleStatus": "active",
        "isBundle": False,
        "specCharacteristic": [
            {"name": name, "@type": "CharacteristicSpecification"} for name in names
        ],
        "@type": "UsageSpecification",
    }
