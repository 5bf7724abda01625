"""A message of our own form, signed over its bytes: for billing systems that can be taught what to send."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.connectors import inbound
from oss_agent import errors

SIGNATURE: Final = "x-signature"
_FIELDS: Final = frozenset({"id", "action", "service", "reason"})


@dataclass(frozen=True, slots=True)
class PlainEar:
    """``X-Signature: sha256=<hex>``, the HMAC-SHA256 of the body under the shared secret."""

    secret: str = field(repr=False)

    def knows(self, sent: inbound.Sent) -> bool:
        """Is the body signed with the secret?"""
        digest = hmac.new(self.secret.encode(), sent.body, hashlib.sha256).hexdigest()
        given = sent.headers.get(SIGNATURE, "")
        return hmac.compare_digest(f"sha256={digest}".encode(), given.encode("utf-8", "replace"))

    def hear(self, found: Mapping[str, Any]) -> inbound.Hearing:
        """``{"id", "action", "service", "reason"}``; the reason may be left out."""
        yield from ()
        strange = sorted(found.keys() - _FIELDS)
        if strange:
            raise errors.OrderRejected("there is no such attribute", field=strange[0][:80])
        action = inbound.text(found, "action")
        if action not in set(inbound.Wish):
            words = ", ".join(inbound.Wish)
            raise errors.OrderRejected(f"must be one of {words}", field="action")
        reason = inbound.text(found, "reason") if "reason" in found else "non-payment"
        key = f"plain:{inbound.text(found, 'id')}"
        return inbound.Wanted(
            inbound.Wish(action), (inbound.text(found, "service"),), inbound.word(key), reason
        )
