"""TMF637 v4: a service's change of status as a product event at the billing system's listener.

The receiver is told as a listener of a product inventory is: its ids are its own, and a PATCH would
need to know them. The product's id is the service's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.connectors import record, talk
from bss_bridge.engine import hrefs, rendering

_STATUS: Final[Mapping[record.Change, str]] = {
    record.Change.STARTED: "active",
    record.Change.SUSPENDED: "suspended",
    record.Change.RESUMED: "active",
    record.Change.TERMINATED: "terminated",
}


@dataclass(frozen=True, slots=True)
class ProductInventory:
    """``url`` is where the receiver listens; ``/listener/<event>`` is added, as TMF637 says."""

    url: str
    asked: talk.Asked
    links: hrefs.Hrefs
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """A product has a status and characteristics; how well it runs has no word in TMF637."""
        if not isinstance(fact, record.Status) or fact.change not in self.asked.changes:
            return False
        return fact.change in _STATUS or fact.change is record.Change.CHANGED

    def tell(self, fact: record.Fact) -> talk.Talk:
        """POST /listener/productStateChangeEvent, or productAttributeValueChangeEvent."""
        if not isinstance(fact, record.Status):
            return talk.refused("only a change of status has a form in TMF637")
        changed = fact.change is record.Change.CHANGED
        name = "ProductAttributeValueChangeEvent" if changed else "ProductStateChangeEvent"
        url = f"{self.url}/listener/{name[0].lower()}{name[1:]}"
        body = self._envelope(name, fact)
        return talk.one(talk.Call("POST", url, body, talk.keyed(fact, self.token)))

    def _envelope(self, name: str, fact: record.Status) -> dict[str, Any]:
        return {
            "eventId": fact.event.id,
            "eventTime": rendering.stamp(fact.event.at),
            "eventType": name,
            "correlationId": fact.event.entity,
            "domain": "productInventory",
            "title": f"{name} {self.asked.subscription(fact)}",
            "event": {"product": self._product(fact)},
            "@type": name,
        }

    def _product(self, fact: record.Status) -> dict[str, Any]:
        view = fact.view
        specification = view.specification
        service = rendering.reference(view.id, self.links.service(view.id), "Service")
        return rendering.present(
            {
                "id": self.asked.subscription(fact),
                "name": view.name,
                "isBundle": False,
                "status": _STATUS.get(fact.change, "active"),
                "startDate": rendering.stamp(view.start_date),
                "terminationDate": rendering.stamp(view.end_date),
                "productCharacteristic": rendering.characteristics(view.characteristics),
                "productOffering": {"id": specification.id, "name": specification.name},
                "realizingService": [service],
                "relatedParty": rendering.customer(view.customer),
                "@type": "Product",
            }
        )
