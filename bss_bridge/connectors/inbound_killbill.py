"""Kill Bill's push notifications. They are not signed and say no more than an id.

The secret is a parameter of the callback's URL; and what a push says is believed only after Kill Bill
itself, asked with our keys, says that the subscription is cancelled.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.connectors import inbound, killbill
from oss_agent import errors
from oss_agent.spi.events import Delivery

_ENDS: Final = frozenset({"SUBSCRIPTION_CANCEL", "ENTITLEMENT_CANCEL", "SUBSCRIPTION_EXPIRED"})
_WISHES: Final = {
    "BUNDLE_PAUSE": inbound.Wish.SUSPEND,
    "BUNDLE_RESUME": inbound.Wish.RESUME,
    "OVERDUE_CHANGE": inbound.Wish.SUSPEND,
}
_ENDED: Final = frozenset({"CANCELLED", "EXPIRED"})


@dataclass(frozen=True, slots=True)
class KillBillEar:
    """``bill`` is the connector that is asked."""

    secret: str = field(repr=False)
    bill: killbill.KillBill

    def knows(self, sent: inbound.Sent) -> bool:
        """Is it sent to the URL with the secret?"""
        given = sent.query.get("secret", "")
        return hmac.compare_digest(self.secret.encode(), given.encode("utf-8", "replace"))

    def hear(self, found: Mapping[str, Any]) -> inbound.Hearing:
        """A cancelled subscription terminates; a paused bundle or an overdue account would suspend."""
        kind, named = inbound.text(found, "eventType"), inbound.text(found, "objectId")
        key = inbound.word(f"killbill:{named}")
        if kind in _WISHES:
            return inbound.Wanted(_WISHES[kind], named, key)
        if kind not in _ENDS:
            return inbound.Nothing(f"{kind} changes no service")
        answer = yield self.bill.call("GET", f"subscriptions/{_uuid(named)}")
        outcome = answer.outcome()
        if outcome.delivery is not Delivery.DONE:
            return outcome
        shown = answer.json()
        if not isinstance(shown, dict) or shown.get("state") not in _ENDED:
            return inbound.Nothing("by Kill Bill's own word the subscription is not cancelled")
        external = inbound.text(shown, "externalKey")
        return inbound.Wanted(inbound.Wish.TERMINATE, external, key, "the end of its subscription")


def _uuid(named: str) -> str:
    try:
        return str(uuid.UUID(named))
    except ValueError:
        raise errors.OrderRejected("must be a UUID", field="objectId") from None
