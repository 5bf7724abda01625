"""An event row becomes what listeners get: the TMF688 envelope around the rendered entity."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pydantic

from bss_bridge import hrefs, rendering, tmf635, tmf638, tmf641
from oss_agent.spi import events, views

_Render = Callable[[Any, hrefs.Hrefs], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where an event belongs: its surface, the entity's name in the payload, view and rendering."""

    surface: str
    entity: str
    view: type[Any]
    render: _Render


def _usage(view: views.UsageView, _: hrefs.Hrefs) -> dict[str, Any]:
    return tmf635.render(view)


_ORDER: Final = Kind(hrefs.SERVICE_ORDERING, "serviceOrder", views.ServiceOrderView, tmf641.render)
_SERVICE: Final = Kind(hrefs.SERVICE_INVENTORY, "service", views.ServiceView, tmf638.render)
_USAGE: Final = Kind("/tmf-api/usageManagement/v4", "usage", views.UsageView, _usage)
KINDS: Final[Mapping[events.EventKind, Kind]] = {
    events.EventKind.SERVICE_ORDER_CREATE: _ORDER,
    events.EventKind.SERVICE_ORDER_STATE: _ORDER,
    events.EventKind.SERVICE_CREATE: _SERVICE,
    events.EventKind.SERVICE_STATE: _SERVICE,
    events.EventKind.SERVICE_CHANGE: _SERVICE,
    events.EventKind.SERVICE_OPERATING_STATUS: _SERVICE,
    events.EventKind.USAGE_CREATE: _USAGE,
}
"""What the bridge can tell; alarms have reads but no hub yet."""


@functools.cache
def _reader(kind: events.EventKind) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(KINDS[kind].view)


def entity(event: events.Event, links: hrefs.Hrefs) -> dict[str, Any]:
    """The rendered entity of an event. ValueError when the row does not hold its view."""
    kind = KINDS[event.kind]
    return kind.render(_reader(event.kind).validate_python(event.payload), links)


def envelope(event: events.Event, links: hrefs.Hrefs) -> dict[str, Any]:
    """The notification. ``correlationId`` is the entity: what belongs together, in order."""
    kind = KINDS[event.kind]
    shown = entity(event, links)
    return {
        "eventId": event.id,
        "eventTime": rendering.stamp(event.at),
        "eventType": event.kind.value,
        "correlationId": event.entity,
        "domain": kind.surface.split("/")[2],
        "title": f"{event.kind.value} {event.entity}",
        "event": {kind.entity: shown},
        "@type": event.kind.value,
    }


def listener_path(event: events.Event) -> str:
    """``/listener/serviceOrderCreateEvent``: where the v4 specifications post it."""
    name = event.kind.value
    return f"/listener/{name[0].lower()}{name[1:]}"
