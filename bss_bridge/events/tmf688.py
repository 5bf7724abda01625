"""TMF688 Event v4: what happened, by topic: one topic for every entity that the bridge can tell of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bss_bridge.engine import rendered
from bss_bridge.engine.hrefs import EVENTS, Hrefs
from bss_bridge.events import notifications
from oss_agent import errors
from oss_agent.spi import query
from oss_agent.spi.events import Event, EventKind


def topics(links: Hrefs) -> rendered.RenderedPort:
    """Each kind of entity is a topic: ``serviceOrder``, ``service``, ``alarm``."""
    return rendered.RenderedPort(lambda: [_topic(one, links) for one in notifications.topics()])


def _topic(name: str, links: Hrefs) -> dict[str, Any]:
    return {
        "id": name,
        "href": links.to(f"{EVENTS}/topic", name),
        "name": name,
        "contentQuery": f"event.{name}",
        "@type": "Topic",
    }


@dataclass(frozen=True, slots=True)
class TopicEvents:
    """The events of one topic, out of all events: ``spi.query.Port[Event]``."""

    events: query.Port[Event]
    topic: str

    async def find(self, asked: query.Query) -> query.Page[Event]:
        """Events of the topic that match. OrderRejected (400)."""
        kinds = tuple(one.value for one in EventKind if self._has(one))
        mine = query.Filter("eventType", query.Operator.EQ, kinds)
        told = replace(
            asked,
            filters=(mine, *map(_own_types, asked.filters)),
            either=tuple(tuple(map(_own_types, group)) for group in asked.either),
        )
        return await self.events.find(told)

    async def get(self, tenant: str, key: str) -> Event:
        """One event of the topic; NotFound."""
        found = await self.events.get(tenant, key)
        if not self._has(found.kind):
            raise errors.NotFound(f"event {ascii(key)[:80]}")
        return found

    def _has(self, kind: EventKind) -> bool:
        about = notifications.entity_of(kind)
        return about is not None and about.name == self.topic


def _own_types(one: query.Filter) -> query.Filter:
    """An event type in version 4's spelling is every kind that is told under that name."""
    if one.path != "eventType" or one.operator not in {query.Operator.EQ, query.Operator.NE}:
        return one
    told = {kind.value for kind in EventKind if notifications.name(kind) in one.values}
    return replace(one, values=tuple(sorted(told | set(one.values))))


def render(event: Event, topic: str, links: Hrefs) -> dict[str, Any]:
    """The envelope that listeners got, with the place where it can be read again."""
    place = {"id": event.id, "href": links.to(f"{EVENTS}/topic/{topic}/event", event.id)}
    told = notifications.notification(event, links)
    return place | told | {"timeOccurred": told["eventTime"]}
