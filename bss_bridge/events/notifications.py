"""An event row becomes what listeners get: the TMF688 envelope around the rendered entity.

A kind of event belongs to the entity that its name begins with: an event named
``ServiceOrderMilestoneEvent`` needs nothing here, a new entity needs a line in ``ENTITIES``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pydantic

from bss_bridge.engine import hrefs, rendering
from bss_bridge.resources import (
    tmf622,
    tmf622_cancel,
    tmf633,
    tmf634,
    tmf635,
    tmf637,
    tmf638,
    tmf639,
    tmf640,
    tmf641,
    tmf641_cancel,
    tmf642,
    tmf652,
    tmf652_cancel,
    tmf653,
)
from oss_agent.spi import events, product_orders, products, service_tests, views
from oss_agent.spi.specifications import SpecificationView

_Render = Callable[[Any, hrefs.Hrefs], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entity:
    """What events are about: the base paths of its surface, its name there, view and rendering."""

    bases: tuple[str, ...]
    name: str
    view: type[Any]
    render: _Render


def _usage(view: views.UsageView, _: hrefs.Hrefs) -> dict[str, Any]:
    return tmf635.render(view)


ENTITIES: Final = (
    Entity(
        (hrefs.PRODUCT_ORDERING,), "productOrder", product_orders.ProductOrderView, tmf622.render
    ),
    Entity(
        (hrefs.PRODUCT_ORDERING,),
        "cancelProductOrder",
        product_orders.ProductCancelView,
        tmf622_cancel.render,
    ),
    Entity((hrefs.PRODUCT_INVENTORY,), "product", products.ProductView, tmf637.render),
    Entity((hrefs.SERVICE_ORDERING,), "serviceOrder", views.ServiceOrderView, tmf641.render),
    Entity((hrefs.SERVICE_ORDERING,), "cancelServiceOrder", views.CancelView, tmf641_cancel.render),
    Entity((hrefs.SERVICE_INVENTORY,), "service", views.ServiceView, tmf638.render),
    Entity((hrefs.ACTIVATION,), "service", views.ServiceView, tmf640.service),
    Entity((hrefs.ACTIVATION,), "monitor", views.ServiceOrderView, tmf640.monitor),
    Entity(hrefs.RESOURCE_ORDERING, "resourceOrder", views.ServiceOrderView, tmf652.sent),
    Entity(hrefs.RESOURCE_ORDERING, "cancelResourceOrder", views.CancelView, tmf652_cancel.render),
    Entity((hrefs.RESOURCE_INVENTORY,), "resource", views.ResourceView, tmf639.render),
    Entity((tmf633.BASE,), "serviceSpecification", SpecificationView, tmf633.render),
    Entity((tmf633.BASE,), "serviceCandidate", SpecificationView, tmf633.candidate),
    Entity((tmf634.BASE,), "resourceSpecification", SpecificationView, tmf634.render),
    Entity((tmf634.BASE,), "resourceCandidate", SpecificationView, tmf634.candidate),
    Entity((hrefs.SERVICE_TEST,), "serviceTest", service_tests.ServiceTestView, tmf653.render),
    Entity(hrefs.ALARMS, "alarm", views.AlarmView, tmf642.render),
    Entity((hrefs.USAGE,), "usage", views.UsageView, _usage),
)
"""What the bridge can tell. An entity that two surfaces show stands twice, its own surface first."""

_SUFFIXES: Final[Mapping[str, str]] = {
    "Create": "{what} was created",
    "AttributeValueChange": "attributes of {what} changed",
    "OperatingStatusChange": "{what} is {status} now",
    "StateChange": "{what} is {state} now",
    "Change": "{what} changed",
    "Delete": "{what} was deleted",
    "InformationRequired": "{what} waits for information",
    "Milestone": "{what} reached a milestone",
    "Jeopardy": "{what} is in jeopardy",
}
_NAME: Final = re.compile(rf"(?P<entity>\w+?)(?P<suffix>{'|'.join(_SUFFIXES)})Event")
_V4: Final = {
    events.EventKind.SERVICE_OPERATING_STATUS: events.EventKind.SERVICE_CHANGE.value,
}
"""What version 4 has no event for: to its listeners operatingStatus is an attribute that changed."""
_NAMING: Final = ("AttributeValueChangeEvent", "InformationRequiredEvent")
_URGENT_SUFFIXES: Final = frozenset({"InformationRequired", "Jeopardy"})
_URGENT_SEVERITIES: Final = frozenset({views.Severity.CRITICAL.value, views.Severity.MAJOR.value})


def entity_of(kind: events.EventKind, base: str | None = None) -> Entity | None:
    """What an event of this kind is about at ``base``, else at its own surface; None: it is nothing."""
    found = _NAME.fullmatch(kind.value)
    stem = found["entity"] if found else ""
    about = (one for one in ENTITIES if _capital(one.name) == stem)
    return next((one for one in about if base is None or base in one.bases), None)


def topics() -> tuple[str, ...]:
    """What the entities are called, each once."""
    return tuple(dict.fromkeys(one.name for one in ENTITIES))


def hub_bases() -> tuple[tuple[str, ...], ...]:
    """The base paths of every surface that has events, each once."""
    return tuple(dict.fromkeys(one.bases for one in ENTITIES))


def names_at(base: str) -> frozenset[str]:
    """The event types that a hub at ``base`` ever sends."""
    return frozenset(name(kind) for kind in events.EventKind if entity_of(kind, base) is not None)


def entities_at(base: str) -> frozenset[str]:
    """What the events of a hub at ``base`` are about, as ``event.`` has them."""
    return frozenset(one.name for one in ENTITIES if base in one.bases)


def name(kind: events.EventKind) -> str:
    """The event's type as a listener of version 4 knows it."""
    return _V4.get(kind, kind.value)


@functools.cache
def _reader(about: Entity) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(about.view)


def entity(event: events.Event, links: hrefs.Hrefs, base: str | None = None) -> dict[str, Any]:
    """The rendered entity of an event. ValueError when the row does not hold its view."""
    about = _require(event.kind, base)
    return about.render(_reader(about).validate_python(event.payload), links)


def notification(
    event: events.Event, links: hrefs.Hrefs, base: str | None = None
) -> dict[str, Any]:
    """The envelope as listeners at ``base`` get it, under version 4's name. ValueError as ``entity``."""
    return _envelope(event, links, name(event.kind), base)


def envelope(event: events.Event, links: hrefs.Hrefs) -> dict[str, Any]:
    """The envelope under the event's own name. ValueError as ``entity``."""
    return _envelope(event, links, event.kind.value)


def _envelope(
    event: events.Event, links: hrefs.Hrefs, told_as: str, base: str | None = None
) -> dict[str, Any]:
    """``correlationId`` is the entity: what belongs together, in order.

    ``fieldPath`` names the attributes that changed, or that have still to be said, commas between;
    only these events have it.
    """
    about = _require(event.kind, base)
    shown = entity(event, links, base)
    at = rendering.stamp(event.at)
    envelope = {
        "eventId": event.id,
        "eventTime": at,
        "timeOcurred": at,  # the specification's spelling
        "eventType": told_as,
        "correlationId": event.entity,
        "domain": about.bases[0].split("/")[2],
        "title": f"{told_as} {event.entity}",
        "description": _sentence(event, shown),
        "priority": _priority(event.kind, shown),
        "event": {about.name: shown},
        "@type": told_as,
    }
    if event.changed and told_as.endswith(_NAMING):
        envelope["fieldPath"] = ",".join(event.changed)
    return envelope


def _sentence(event: events.Event, shown: Mapping[str, Any]) -> str:
    found = _NAME.fullmatch(event.kind.value)
    words = _SUFFIXES[found["suffix"]] if found else "{what} changed"
    state = shown.get("state", shown.get("status", "changed"))  # a product's is its status
    status = shown.get("operatingStatus", "changed")
    return words.format(what=event.entity.replace(":", " ", 1), state=state, status=status)


def _priority(kind: events.EventKind, shown: Mapping[str, Any]) -> str:
    """``high``: a person should look now."""
    found = _NAME.fullmatch(kind.value)
    late = found is not None and found["suffix"] in _URGENT_SUFFIXES
    severe = shown.get("perceivedSeverity") in _URGENT_SEVERITIES and shown["state"] != "cleared"
    return "high" if late or severe else "normal"


def listener_path(kind: events.EventKind) -> str:
    """``/listener/serviceOrderCreateEvent``: where the v4 specifications post it."""
    told_as = name(kind)
    return f"/listener/{told_as[0].lower()}{told_as[1:]}"


def _require(kind: events.EventKind, base: str | None) -> Entity:
    found = entity_of(kind, base)
    if found is None:
        raise ValueError(f"no surface tells {kind.value}")
    return found


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
