"""TMF653 Service Test v4.2: a test view becomes a body, a specification what is tested by it."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine import shelves
from bss_bridge.engine.hrefs import SERVICE_TEST, Hrefs
from bss_bridge.resources import specifications, tmf633
from oss_agent.spi import proof, views
from oss_agent.spi.service_tests import ServiceTestView
from oss_agent.spi.specifications import PredicateView, SpecificationView

Json = dict[str, Any]
SPECIFICATIONS: Final = f"{SERVICE_TEST}/serviceTestSpecification"
_METHOD: Final = "asked of the device"
_WHEN: Final = "before an order is completed, and on demand"


def render(view: ServiceTestView, hrefs: Hrefs) -> Json:
    """A test; ``reason`` and the order that it proved are ours, v4 has no attribute for them."""
    ref = view.specification
    place = hrefs.to(SPECIFICATIONS, shelves.key(ref.id, ref.version))
    own = {
        "id": view.id,
        "href": hrefs.service_test(view.id),
        "name": view.name,
        "description": view.description,
        "mode": view.mode.value,
        "state": view.state.value,
        "startDateTime": r.stamp(view.start),
        "endDateTime": r.stamp(view.end),
        "relatedService": r.reference(view.service, hrefs.service(view.service), "Service")
        | {"name": view.service_name},
        "testSpecification": r.reference(ref.id, place, "ServiceTestSpecification")
        | {"version": ref.version},
        "testMeasure": [_measure(one) for one in view.measures],
        "reason": view.reason,
        "relatedEntity": _order(view, hrefs),
    }
    return {"@type": "ServiceTest"} | dict(view.extra) | r.present(own)


def _order(view: ServiceTestView, hrefs: Hrefs) -> list[Json] | None:
    if view.order is None:
        return None
    order = r.reference(view.order, hrefs.order(view.order), "ServiceOrder")
    return [order | {"role": "serviceOrder"}]


def _measure(one: views.EvidenceView) -> Json:
    """One predicate as it was judged: outcome and what was read in the value, violated if it fails."""
    failed = one.outcome == proof.Outcome.FAILED
    own = {
        "metricName": f"{one.kind} on {one.device}",
        "metricDescription": one.reason,
        "captureDateTime": r.stamp(one.at),
        "captureMethod": _METHOD,
        "value": {
            "name": one.kind,
            "valueType": "object",
            "value": {"outcome": one.outcome, "device": one.device, **one.values},
            "@type": "Characteristic",
        },
        "ruleViolation": [_violation(one)] if failed else None,
        "transcript": one.transcript or None,
        "digest": one.digest,
        "@type": "TestMeasure",
    }
    return r.present(own)


def _violation(one: views.EvidenceView) -> Json:
    return {
        "name": one.kind,
        "description": one.reason,
        "conformanceTargetExact": proof.Outcome.PROVEN.value,
        "conformanceComparatorExact": True,
        "@type": "MeasureThresholdRuleViolation",
    }


def specification(view: SpecificationView, hrefs: Hrefs) -> Json:
    """What is tested of each service of a customer-facing specification: it has its id and version."""
    own = specifications.head(view, SPECIFICATIONS, hrefs) | {
        "isBundle": False,
        "relatedServiceSpecification": [
            specifications.reference(
                views.SpecificationRef(view.id, view.version, view.name),
                tmf633.SPECIFICATIONS,
                "ServiceSpecification",
                hrefs,
            )
        ],
        "testMeasureDefinition": [_definition(one) for one in view.predicates],
        "@type": "ServiceTestSpecification",
    }
    return r.present(own)


def _definition(one: PredicateView) -> Json:
    rule = {
        "name": one.kind,
        "description": "must hold" if one.must else "must hold where it can be observed",
        "conformanceTargetExact": proof.Outcome.PROVEN.value,
        "conformanceComparatorExact": True,
        "@type": "MetricDefMeasureThresholdRule",
    }
    bounds = ", ".join(f"{name} {value}" for name, value in one.expect.items())
    own = {
        "name": f"{one.kind} per {one.per}",
        "metricName": one.kind,
        "metricDescription": f"{one.kind}, asked per {one.per}" + (f": {bounds}" if bounds else ""),
        "captureMethod": _METHOD,
        "captureFrequency": _WHEN,
        "valueType": "object",
        "thresholdRule": [rule],
        "@type": "TestMeasureDefinition",
    }
    return r.present(own)
