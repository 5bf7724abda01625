"""Lago: usage as events, one per meter; an active service as a subscription where a plan is named.

An event's transaction_id is its idempotency key. Lago refuses a repeat with 422, which here counts as
done; a batch is stored whole or not at all, so when one of its events is known they are sent one by
one. Quantities are decimal strings: Lago's own schema lets an integer match two branches of a oneOf,
and strict readers refuse it.
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bss_bridge.connectors import record, talk
from bss_bridge.engine import rendering
from oss_agent.spi.events import Attempt, Delivery

_MOST: Final = 100
"""Events of one batch at most."""


@dataclass(frozen=True, slots=True)
class Lago:
    """``url`` is where Lago's API begins, without /api/v1. ``plans``: specification to plan code."""

    url: str
    asked: talk.Asked
    plans: Mapping[str, str] = field(default_factory=dict[str, str])
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """Usage that is known, and begin and end of services with a plan: Lago has no suspension."""
        if isinstance(fact, record.Usage):
            return bool(self.asked.amounts(fact))
        return (
            isinstance(fact, record.Status)
            and fact.change in {record.Change.STARTED, record.Change.TERMINATED}
            and fact.change in self.asked.changes
            and fact.view.specification.id in self.plans
        )

    def tell(self, fact: record.Fact) -> talk.Talk:
        """Events alone or as a batch; POST or DELETE of the subscription."""
        if isinstance(fact, record.Usage):
            return self._send(self.events(fact))
        if not isinstance(fact, record.Status):
            return talk.refused("Lago adds usage up by itself")
        return self._begin(fact) if fact.change is record.Change.STARTED else self._end(fact)

    def events(self, fact: record.Usage) -> list[dict[str, Any]]:
        """Lago's events of a record: the code is the meter's name."""
        view = fact.view
        return [
            {
                "transaction_id": f"{fact.key}/{meter}",
                "external_subscription_id": self.asked.subscription(fact),
                "code": meter.value,
                "timestamp": str(int(view.period_end.timestamp())),
                "properties": {
                    "octets": str(octets),
                    "meter_point": view.meter_point,
                    "period_start": rendering.stamp(view.period_start),
                    "period_end": rendering.stamp(view.period_end),
                    "revision": str(view.revision),
                },
            }
            for meter, octets in self.asked.amounts(fact)
        ]

    def _send(self, events: Sequence[Mapping[str, Any]]) -> talk.Talk:
        if len(events) > 1:
            answer = yield self._post("events/batch", {"events": list(events[:_MOST])})
            if not repeated(answer):
                return answer.outcome()
        last = Attempt(Delivery.DONE, "nothing to tell")
        for event in events:
            answer = yield self._post("events", {"event": event})
            last = answer.outcome()
            if repeated(answer):
                last = Attempt(Delivery.DONE, f"{answer.status}: Lago has it already")
            if last.delivery is not Delivery.DONE:
                return last
        return last

    def _begin(self, fact: record.Status) -> talk.Talk:
        """The same external_id again updates the subscription that is there."""
        subscription = {
            "external_customer_id": fact.view.customer,
            "plan_code": self.plans[fact.view.specification.id],
            "external_id": self.asked.subscription(fact),
            "name": fact.view.name,
            "billing_time": "calendar",
        }
        return talk.one(self._post("subscriptions", {"subscription": subscription}))

    def _end(self, fact: record.Status) -> talk.Talk:
        key = quote(self.asked.subscription(fact), safe="")
        url = f"{self.url}/api/v1/subscriptions/{key}"
        answer = yield talk.Call("DELETE", url, headers=talk.bearer(self.token))
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return Attempt(Delivery.DONE, "404: no active subscription is left to terminate")
        return answer.outcome()

    def _post(self, path: str, body: Mapping[str, Any]) -> talk.Call:
        return talk.Call("POST", f"{self.url}/api/v1/{path}", body, talk.bearer(self.token))


def repeated(answer: talk.Answer) -> bool:
    """Does a 422 say nothing but that the transaction_id is known?"""
    if answer.status != http.HTTPStatus.UNPROCESSABLE_ENTITY:
        return False
    found = answer.json()
    details = found.get("error_details") if isinstance(found, dict) else None
    if not isinstance(details, dict) or not details:
        return False
    # of a batch each refused event stands under its place, alone its fields stand there directly
    batch = all(isinstance(one, dict) for one in details.values())
    return all(one == _KNOWN for one in (details.values() if batch else [details]))


_KNOWN: Final = {"transaction_id": ["value_already_exist"]}
