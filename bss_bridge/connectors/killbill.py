"""Kill Bill: one usage call per subscription and day; a service's status as a blocking state.

Kill Bill knows a subscription by its own UUID, so each talk first asks for the one whose external key
is the service's. ``trackingId`` is the day's key; Kill Bill refuses a repeat with error 50000, which
here counts as done. What is blocked is told, never cancelled: the contract is billing's.
"""

from __future__ import annotations

import base64
import http
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bss_bridge.connectors import record, talk
from bss_bridge.engine import rendering
from oss_agent.spi.events import Attempt, Delivery

SERVICE: Final = "oss-agent"
"""Under whose name blocking states are kept, apart from those of others (overdue)."""
_TRACKING_KNOWN: Final = 50_000
"""ErrorCode.USAGE_RECORD_TRACKING_ID_ALREADY_EXISTS"""
_BLOCKED: Final[Mapping[record.Change, bool]] = {
    record.Change.STARTED: False,
    record.Change.SUSPENDED: True,
    record.Change.RESUMED: False,
    record.Change.TERMINATED: True,
}


@dataclass(frozen=True, slots=True)
class Keys:
    """``login`` is ``user:password``; API key and secret choose Kill Bill's tenant."""

    login: str = field(repr=False)
    api_key: str
    api_secret: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every call carries."""
        basic = base64.b64encode(self.login.encode()).decode()
        return {
            "Authorization": f"Basic {basic}",
            "X-Killbill-ApiKey": self.api_key,
            "X-Killbill-ApiSecret": self.api_secret,
            "X-Killbill-CreatedBy": SERVICE,
            "Accept": "application/json",
        }


@dataclass(frozen=True, slots=True)
class KillBill:
    """``url`` is where Kill Bill begins, without /1.0/kb."""

    url: str
    asked: talk.Asked
    keys: Keys

    def wants(self, fact: record.Fact) -> bool:
        """Days of usage, and the changes that Kill Bill has a word for."""
        if isinstance(fact, record.Day):
            return bool(self.asked.amounts(fact))
        return (
            isinstance(fact, record.Status)
            and fact.change in _BLOCKED
            and fact.change in self.asked.changes
        )

    def tell(self, fact: record.Fact) -> talk.Talk:
        """Ask for the subscription, then POST /usages or /subscriptions/{id}/block."""
        if isinstance(fact, record.Usage):
            return talk.refused("Kill Bill takes usage by the day")
        return self._send(fact)

    def _send(self, fact: record.Day | record.Status) -> talk.Talk:
        external = self.asked.subscription(fact)
        found = yield from self.find(external)
        if isinstance(found, Attempt):
            return found
        usage = isinstance(fact, record.Day)
        path = "usages" if usage else f"subscriptions/{found}/block"
        body = self._usages(found, fact) if isinstance(fact, record.Day) else _block(fact)
        answer = yield self.call("POST", path, body)
        if usage and _code(answer) == _TRACKING_KNOWN:
            return Attempt(Delivery.DONE, f"{answer.status}: Kill Bill has it already")
        return answer.outcome()

    def find(self, external: str) -> Generator[talk.Request, talk.Answer, str | Attempt]:
        """The subscription with this external key: its UUID, or why there is none."""
        answer = yield self.call("GET", f"subscriptions?externalKey={quote(external, safe='')}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            reason = f"Kill Bill has no subscription with the external key {external}: create it"
            return Attempt(Delivery.PARKED, reason)
        outcome = answer.outcome()
        if outcome.delivery is not Delivery.DONE:
            return outcome
        return _uuid(answer.json()) or Attempt(
            Delivery.PARKED, "Kill Bill's answer names no subscription"
        )

    def call(self, method: str, path: str, body: Any = None) -> talk.Call:
        """A call below /1.0/kb."""
        return talk.Call(method, f"{self.url}/1.0/kb/{path}", body, self.keys.headers)

    def _usages(self, subscription: str, fact: record.Day) -> dict[str, Any]:
        return {
            "subscriptionId": subscription,
            "trackingId": fact.event.id,
            "unitUsageRecords": [
                {
                    "unitType": meter.value,
                    "usageRecords": [{"recordDate": fact.view.day, "amount": octets}],
                }
                for meter, octets in self.asked.amounts(fact)
            ],
        }


def _block(fact: record.Status) -> dict[str, Any]:
    blocked = _BLOCKED[fact.change]
    return {
        "stateName": f"network-{fact.change}",
        "service": SERVICE,
        "isBlockChange": False,
        "isBlockEntitlement": blocked,
        "isBlockBilling": blocked,
        "effectiveDate": rendering.stamp(fact.event.at),
        "type": "SUBSCRIPTION",
    }


def _uuid(found: Any) -> str | None:
    named = found.get("subscriptionId") if isinstance(found, dict) else None
    try:
        return str(uuid.UUID(named)) if isinstance(named, str) else None
    except ValueError:
        return None


def _code(answer: talk.Answer) -> Any:
    found = answer.json()
    return found.get("code") if isinstance(found, dict) else None
