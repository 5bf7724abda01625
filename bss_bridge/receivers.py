"""Who is told what: hub listeners from their rows, and the configured billing system.

Only ``deliver`` lives here; order, retry and persistence are the outbox's.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import httpx

from bss_bridge import callbacks, delivery, listeners, matching, notifications, tmf630
from bss_bridge.hrefs import Hrefs
from oss_agent import errors
from oss_agent.spi.clock import Clock
from oss_agent.spi.events import Attempt, Delivery, Event, EventKind, Receiver
from oss_agent.spi.store import Store


class CallbackStyle(StrEnum):
    """Where a listener's events are posted."""

    LISTENER = "listener"
    """{callback}/listener/<eventName>: the v4 specifications"""
    DIRECT = "direct"
    """the callback itself: common practice"""


@dataclass(frozen=True, slots=True)
class BillingTarget:
    """The billing system: a URL the administrator wrote, so trusted, loopback included."""

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outside:
    """What every delivery needs: the client, the clock, links, callback rules."""

    http: httpx.AsyncClient
    clock: Clock
    hrefs: Hrefs
    policy: callbacks.Policy = field(default_factory=callbacks.Policy)
    style: CallbackStyle = CallbackStyle.LISTENER


class BridgeReceivers:
    """``spi.events.Receivers``: billing first, then the listeners that are registered now."""

    def __init__(self, store: Store, outside: Outside, billing: BillingTarget | None) -> None:
        self._store = store
        self._outside = outside
        self._billing = () if billing is None else (Billing(billing, outside),)

    async def current(self) -> tuple[Receiver, ...]:
        """Every active receiver."""
        rows = await self._store.read(listeners.every)
        return (*self._billing, *(Hub(row, self._outside) for row in rows))


class Hub:
    """One listener, told in the TMF688 envelope."""

    def __init__(self, listener: listeners.Listener, outside: Outside) -> None:
        self._listener = listener
        self._outside = outside

    @property
    def id(self) -> str:
        """``hub:<listener id>``."""
        return f"hub:{self._listener.id}"

    def wants(self, event: Event) -> bool:
        """Of its tenant and surface, and as its query says."""
        kind = notifications.KINDS.get(event.kind)
        if kind is None or kind.surface != self._listener.surface:
            return False
        if event.tenant != self._listener.tenant:
            return False
        filters = self._asked.query.filters
        try:
            return not filters or matching.matches(self._envelope(event), filters)
        except ValueError:
            return (
                True  # a row that cannot be rendered is parked by deliver, where a person sees it
            )

    async def deliver(self, event: Event) -> Attempt:
        """To the address that was judged, under the name that was given."""
        try:
            target = await callbacks.resolve(self._listener.callback, self._outside.policy)
            parcel = self._parcel(target, event)
        except socket.gaierror as bad:
            return Attempt(Delivery.RETRY, f"the callback's host does not resolve: {bad.strerror}")
        except errors.OrderRejected as bad:
            return Attempt(Delivery.PARKED, f"the callback {bad.reason}")
        except ValueError as bad:
            return Attempt(Delivery.PARKED, f"the event row cannot be rendered: {bad}")
        except httpx.InvalidURL as bad:
            return Attempt(Delivery.PARKED, f"the callback is no URL: {bad}")
        return await delivery.post(self._outside.http, parcel, self._outside.clock, quote=False)

    def _parcel(self, target: callbacks.Target, event: Event) -> delivery.Parcel:
        url = httpx.URL(self._listener.callback)
        path = url.path.rstrip("/")
        if self._outside.style is CallbackStyle.LISTENER:
            url = url.copy_with(path=path + notifications.listener_path(event))
        host = url.netloc.decode("ascii")
        return delivery.Parcel(
            str(url.copy_with(host=target.address, port=target.port)),
            tmf630.select(self._envelope(event), self._fields),
            event.id,
            headers={"Host": host},
            extensions={"sni_hostname": target.host},
        )

    @functools.cached_property
    def _asked(self) -> tmf630.Asked:
        return tmf630.parse(self._listener.query, self._listener.tenant)

    @property
    def _fields(self) -> tuple[str, ...] | None:
        """Fields of the envelope; its identity always stays."""
        asked = self._asked.fields
        return None if asked is None else (*asked, *_ENVELOPE)

    def _envelope(self, event: Event) -> dict[str, Any]:
        return notifications.envelope(event, self._outside.hrefs)


_ENVELOPE: Final = ("eventId", "eventTime", "eventType")
_TO_BILLING: Final = frozenset(
    {
        EventKind.SERVICE_CREATE,
        EventKind.SERVICE_STATE,
        EventKind.SERVICE_CHANGE,
        EventKind.SERVICE_OPERATING_STATUS,
        EventKind.USAGE_CREATE,
    }
)


class Billing:
    """The billing system: usage as TMF635 Usage, service status in the TMF688 envelope."""

    def __init__(self, target: BillingTarget, outside: Outside) -> None:
        self._target = target
        self._outside = outside

    @property
    def id(self) -> str:
        """``billing``: there is one."""
        return "billing"

    def wants(self, event: Event) -> bool:
        """Usage and what happens to services, of every tenant."""
        return event.kind in _TO_BILLING

    async def deliver(self, event: Event) -> Attempt:
        """One POST with the event's id as Idempotency-Key."""
        render: Callable[[Event, Hrefs], dict[str, Any]] = (
            notifications.entity if event.kind is EventKind.USAGE_CREATE else notifications.envelope
        )
        try:
            body = render(event, self._outside.hrefs)
        except ValueError as bad:
            return Attempt(Delivery.PARKED, f"the event row cannot be rendered: {bad}")
        token = self._target.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        parcel = delivery.Parcel(self._target.url, body, event.id, headers)
        return await delivery.post(self._outside.http, parcel, self._outside.clock, quote=True)
