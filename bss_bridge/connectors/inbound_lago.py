"""Lago's webhooks, signed with its HMAC key over the body (``X-Lago-Signature``, base64).

A subscription that ends because another plan follows is ``subscription.terminated`` too, under the same
external id: so Lago is asked whether one is active, and a service ends only when none is. Lago is asked
about an invoice as well: an overdue one suspends the services it is for; paid, it resumes them, when it
was this very invoice that had suspended them and no other of the customer is overdue.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bss_bridge.connectors import inbound, talk
from oss_agent.spi.events import Attempt

_OVERDUE: Final = "invoice.payment_overdue"
_PAYMENT: Final = "invoice.payment_status_updated"
_BODIES: Final = ("payment_overdue", "invoice")
"""Under which names a webhook carries its invoice."""


@dataclass(frozen=True, slots=True)
class LagoEar:
    """``secret`` is the organisation's HMAC key; ``url`` and ``token`` are the API's."""

    secret: str = field(repr=False)
    url: str
    token: str | None = field(default=None, repr=False)

    def knows(self, sent: inbound.Sent) -> bool:
        """Is the body signed with the HMAC key? Its other algorithm, jwt, is not taken."""
        if sent.headers.get("x-lago-signature-algorithm") != "hmac":
            return False
        digest = hmac.new(self.secret.encode(), sent.body, hashlib.sha256).digest()
        given = sent.headers.get("x-lago-signature", "")
        return hmac.compare_digest(base64.b64encode(digest), given.encode("utf-8", "replace"))

    def hear(self, found: Mapping[str, Any]) -> inbound.Hearing:
        """``subscription.terminated`` terminates, an overdue invoice suspends, its payment resumes."""
        kind = inbound.text(found, "webhook_type")
        if kind in {_OVERDUE, _PAYMENT}:
            return (yield from self._invoice(found))
        if kind != "subscription.terminated":
            return inbound.Nothing(f"{kind} changes no service")
        named = inbound.text(found, "subscription", "external_id")
        key = inbound.word(f"lago:{inbound.text(found, 'subscription', 'lago_id')}")
        answer = yield self._get(f"subscriptions/{quote(named, safe='')}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            why = "the end of its subscription"
            return inbound.Wanted(inbound.Wish.TERMINATE, (named,), key, why)
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        return inbound.Nothing("Lago has an active subscription of it")

    def _invoice(self, found: Mapping[str, Any]) -> inbound.Hearing:
        """What the invoice is by Lago's own word decides, not the webhook's."""
        carried = next((name for name in _BODIES if isinstance(found.get(name), dict)), _BODIES[0])
        named = inbound.text(found, carried, "lago_id")
        answer = yield self._get(f"invoices/{quote(named, safe='')}")
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        shown = _mapping(_mapping(answer.json()).get("invoice"))
        services = tuple(dict.fromkeys(_external_ids(shown.get("subscriptions"))))
        if not services:
            return inbound.Nothing("the invoice is of no subscription")
        suspends = inbound.word(f"lago:{named}")
        if shown.get("payment_overdue") is True:
            return inbound.Wanted(inbound.Wish.SUSPEND, services, suspends)
        if shown.get("payment_status") != "succeeded":
            return inbound.Nothing("by Lago's own word it is neither overdue nor paid")
        return (yield from self._paid(shown, services, suspends))

    def _paid(
        self, shown: Mapping[str, Any], services: tuple[str, ...], suspended: str
    ) -> inbound.Hearing:
        others = yield from self._overdue(_mapping(shown.get("customer")).get("external_id"))
        if isinstance(others, Attempt):
            return others
        if others:
            return inbound.Nothing("another invoice of the customer is overdue")
        key = inbound.word(f"{suspended}:paid")
        return inbound.Wanted(inbound.Wish.RESUME, services, key, "payment", undoes=suspended)

    def _overdue(self, customer: Any) -> Generator[talk.Request, talk.Answer, bool | Attempt]:
        """Is any invoice of the customer overdue?"""
        whose = quote(customer, safe="") if isinstance(customer, str) else ""
        asked = f"invoices?external_customer_id={whose}&payment_overdue=true&per_page=1"
        answer = yield self._get(asked)
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        return bool(_mapping(answer.json()).get("invoices"))

    def _get(self, path: str) -> talk.Call:
        return talk.Call("GET", f"{self.url}/api/v1/{path}", headers=talk.bearer(self.token))


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _external_ids(found: Any) -> list[str]:
    named = [_mapping(one).get("external_id") for one in (found if isinstance(found, list) else [])]
    return [one[:255] for one in named if isinstance(one, str) and one]
