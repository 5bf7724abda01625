"""Lago's webhooks, signed with its HMAC key over the body (``X-Lago-Signature``, base64).

A subscription that ends because another plan follows is ``subscription.terminated`` too, under the same
external id: so Lago is asked whether one is active, and a service ends only when none is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bss_bridge.connectors import inbound, talk
from oss_agent.spi.events import Delivery


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
        """``subscription.terminated`` terminates, ``invoice.payment_overdue`` would suspend."""
        kind = inbound.text(found, "webhook_type")
        if kind == "invoice.payment_overdue":
            invoice = inbound.text(found, "payment_overdue", "lago_id")
            return inbound.Wanted(inbound.Wish.SUSPEND, invoice, inbound.word(f"lago:{invoice}"))
        if kind != "subscription.terminated":
            return inbound.Nothing(f"{kind} changes no service")
        named = inbound.text(found, "subscription", "external_id")
        key = inbound.word(f"lago:{inbound.text(found, 'subscription', 'lago_id')}")
        url = f"{self.url}/api/v1/subscriptions/{quote(named, safe='')}"
        answer = yield talk.Call("GET", url, headers=talk.bearer(self.token))
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return inbound.Wanted(inbound.Wish.TERMINATE, named, key, "the end of its subscription")
        outcome = answer.outcome()
        if outcome.delivery is not Delivery.DONE:
            return outcome
        return inbound.Nothing("Lago has an active subscription of it")
