"""Kill Bill's push notifications. They are not signed and say no more than an id.

The secret is a parameter of the callback's URL; and what a push says is never believed: Kill Bill
itself, asked with our keys, says whether a subscription is cancelled, and what blocks it. Our own
blocking state, which says that the network is suspended, is no reason to suspend it.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bss_bridge.connectors import inbound, killbill, talk
from oss_agent import errors

_ENDS: Final = frozenset({"SUBSCRIPTION_CANCEL", "ENTITLEMENT_CANCEL", "SUBSCRIPTION_EXPIRED"})
_BLOCKS: Final = frozenset({"BUNDLE_PAUSE", "BUNDLE_RESUME", "OVERDUE_CHANGE"})
_ENDED: Final = frozenset({"CANCELLED", "EXPIRED"})


@dataclass(frozen=True, slots=True)
class _Block:
    """A blocking state that is in force: of whom (subscription, bundle, account), since when."""

    of: str
    service: str
    state: str
    since: datetime
    stops: bool


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
        """A cancelled subscription terminates; a pause or an overdue account suspends, its end resumes."""
        kind, named = inbound.text(found, "eventType"), inbound.text(found, "objectId")
        if kind in _BLOCKS:
            return (yield from self._blocked(found))
        if kind not in _ENDS:
            return inbound.Nothing(f"{kind} changes no service")
        answer = yield self.bill.call("GET", f"subscriptions/{_uuid(named, 'objectId')}")
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        shown = answer.json()
        if not isinstance(shown, dict) or shown.get("state") not in _ENDED:
            return inbound.Nothing("by Kill Bill's own word the subscription is not cancelled")
        external = inbound.text(shown, "externalKey")
        key = inbound.word(f"killbill:{named}")
        why = "the end of its subscription"
        return inbound.Wanted(inbound.Wish.TERMINATE, (external,), key, why)

    def _blocked(self, found: Mapping[str, Any]) -> inbound.Hearing:
        """What stops the bundle or account now decides, not the word of the push."""
        named = _uuid(inbound.text(found, "objectId"), "objectId")
        account = _uuid(inbound.text(found, "accountId"), "accountId")
        answer = yield self.bill.call("GET", f"accounts/{account}/block")
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        blocks = _in_force(answer)
        path = f"accounts/{account}/bundles" if named == account else f"bundles/{named}"
        answer = yield self.bill.call("GET", path)
        unsaid = inbound.silence(answer)
        if unsaid is not None:
            return unsaid
        return _wanted(named, account, blocks, answer)


def _wanted(
    named: str, account: str, blocks: Sequence[_Block], bundles: talk.Answer
) -> inbound.Wanted | inbound.Nothing:
    own = [one for one in blocks if one.of == named]
    if not own:
        return inbound.Nothing("by Kill Bill's own word nothing blocks it or did")
    stopped = any(one.stops for one in own)
    stops = {one.of for one in blocks if one.stops}
    services = tuple(
        external
        for external, above in _subscriptions(bundles)
        if stopped or not stops & {*above, account}
    )
    if not services:
        return inbound.Nothing("no subscription beneath it is left to suspend or to resume")
    last = max(own, key=lambda one: one.since)
    key = inbound.word(f"killbill:{named} {last.service} {last.state} {last.since.isoformat()}")
    wish = inbound.Wish.SUSPEND if stopped else inbound.Wish.RESUME
    return inbound.Wanted(wish, services, key, f"{last.state} of {last.service}")


def _in_force(answer: talk.Answer) -> tuple[_Block, ...]:
    """Of each object and service the newest blocking state that is not in the future; not ours."""
    newest: dict[tuple[str, str], _Block] = {}
    for one in _blocks(answer):
        key, known = (one.of, one.service), newest.get((one.of, one.service))
        if one.since <= answer.at and (known is None or known.since <= one.since):
            newest[key] = one
    return tuple(newest.values())


def _blocks(answer: talk.Answer) -> Iterator[_Block]:
    for one in _maps(answer.json()):
        of, service, state = (one.get(name) for name in ("blockedId", "service", "stateName"))
        since = _moment(one.get("effectiveDate"))
        ours = service == killbill.SERVICE
        if since is None or ours or not isinstance(of, str):
            continue
        if isinstance(service, str) and isinstance(state, str):
            stops = one.get("isBlockEntitlement") is True
            yield _Block(of, talk.printable(service), talk.printable(state), since, stops)


def _subscriptions(answer: talk.Answer) -> Iterator[tuple[str, set[Any]]]:
    """External keys of living subscriptions, each with its own id and its bundle's."""
    found = answer.json()
    for bundle in _maps(found if isinstance(found, list) else [found]):
        for one in _maps(bundle.get("subscriptions")):
            external = one.get("externalKey")
            if isinstance(external, str) and external and one.get("state") not in _ENDED:
                above = (one.get("subscriptionId"), one.get("bundleId"), bundle.get("bundleId"))
                yield external[:255], {key for key in above if isinstance(key, str)}


def _maps(found: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a stranger's array."""
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one


def _moment(said: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _uuid(named: str, field_: str) -> str:
    try:
        return str(uuid.UUID(named))
    except ValueError:
        raise errors.OrderRejected("must be a UUID", field=field_) from None
