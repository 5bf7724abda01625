"""Plain webhook: usage as TMF635 Usage, what happens to services in the TMF688 envelope; one URL."""

from __future__ import annotations

from dataclasses import dataclass, field

from bss_bridge.connectors import record, talk
from bss_bridge.engine import hrefs
from bss_bridge.events import notifications


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whoever takes JSON at one URL and knows ``Idempotency-Key``."""

    url: str
    asked: talk.Asked
    links: hrefs.Hrefs
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """All usage, gaps included; the changes asked for."""
        if isinstance(fact, record.Status):
            return fact.change in self.asked.changes
        return isinstance(fact, record.Usage)

    def tell(self, fact: record.Fact) -> talk.Talk:
        """One POST."""
        usage = isinstance(fact, record.Usage)
        render = notifications.entity if usage else notifications.envelope
        return talk.one(
            talk.Call(
                "POST", self.url, render(fact.event, self.links), talk.keyed(fact, self.token)
            )
        )
