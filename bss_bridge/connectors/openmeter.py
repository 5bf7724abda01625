"""OpenMeter: usage and status as CloudEvents 1.0, one alone or several as a batch (JSON format).

The event's id and source are its idempotency key: the same again is no news there. A meter's name is
the event's type; octets travel as a decimal string, which OpenMeter's value path reads as a number,
because a JSON number above 2^53 is not safe on its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.connectors import record, talk
from bss_bridge.engine import rendering

STATUS: Final = "service_status"
"""The CloudEvents type of a service's change."""
ONE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class OpenMeter:
    """``url`` is where the API begins, without /api/v1; ``source`` names this agent."""

    url: str
    asked: talk.Asked
    source: str
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """Usage that is known; every change asked for: a meter may count them."""
        if isinstance(fact, record.Usage):
            return bool(self.asked.amounts(fact))
        return isinstance(fact, record.Status) and fact.change in self.asked.changes

    def tell(self, fact: record.Fact) -> talk.Talk:
        """POST /events."""
        events = self.events(fact)
        body: Mapping[str, Any] | Sequence[Any] = events[0] if len(events) == 1 else events
        media = ONE if len(events) == 1 else BATCH
        url = f"{self.url}/api/v1/events"
        return talk.one(talk.Call("POST", url, body, talk.bearer(self.token), media))

    def events(self, fact: record.Fact) -> list[dict[str, Any]]:
        """The CloudEvents of a fact; the subject is the service."""
        if isinstance(fact, record.Status):
            data = {"change": fact.change.value, "customer": fact.view.customer}
            return [self._event(fact, fact.event.id, STATUS, data)]
        if isinstance(fact, record.Day):
            return []
        view = fact.view
        common = {
            "customer": view.customer,
            "service_name": view.service_name,
            "meter_point": view.meter_point,
            "period_start": rendering.stamp(view.period_start),
            "period_end": rendering.stamp(view.period_end),
            "revision": view.revision,
        }
        return [
            self._event(fact, f"{fact.key}/{meter}", meter.value, {"octets": str(octets)} | common)
            for meter, octets in self.asked.amounts(fact)
        ]

    def _event(
        self, fact: record.Usage | record.Status, key: str, kind: str, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        at = fact.view.period_end if isinstance(fact, record.Usage) else fact.event.at
        return {
            "specversion": "1.0",
            "id": key,
            "source": self.source,
            "type": kind,
            "subject": self.asked.subscription(fact),
            "time": rendering.stamp(at),
            "datacontenttype": "application/json",
            "data": dict(data),
        }
