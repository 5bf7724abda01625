"""TMF635 v4: each usage record is created at the billing system's own Usage Management API."""

from __future__ import annotations

from dataclasses import dataclass, field

from bss_bridge.connectors import record, talk
from bss_bridge.resources import tmf635


@dataclass(frozen=True, slots=True)
class UsageManagement:
    """``url`` is the base path of the receiver's API, ``…/tmf-api/usageManagement/v4``."""

    url: str
    token: str | None = field(default=None, repr=False)

    def wants(self, fact: record.Fact) -> bool:
        """All usage: a gap is told as one, for TMF635 can carry it."""
        return isinstance(fact, record.Usage)

    def tell(self, fact: record.Fact) -> talk.Talk:
        """POST /usage."""
        if not isinstance(fact, record.Usage):
            return talk.refused("only usage has a form in TMF635")
        body = tmf635.render(fact.view)
        return talk.one(talk.Call("POST", f"{self.url}/usage", body, talk.keyed(fact, self.token)))
