"""A hub listener as the outbox tells it: which events it wants, and one POST per event."""

from __future__ import annotations

import functools
import socket
from typing import Final

import httpx

from bss_bridge.engine import matching
from bss_bridge.events import callbacks, delivery, lines, listeners, notifications, outside
from bss_bridge.events import subscription as subscriptions
from oss_agent import errors
from oss_agent.spi.events import Attempt, Delivery, Event

_PREFIX: Final = "hub:"


def receiver_id(listener: listeners.Listener) -> str:
    """``hub:<listener id>``: what delivery rows are keyed by."""
    return _PREFIX + listener.id


def is_listener(receiver: str) -> bool:
    """Is or was this receiver a hub listener?"""
    return receiver.startswith(_PREFIX)


class HubListener:
    """One listener, told in the TMF688 envelope."""

    def __init__(self, listener: listeners.Listener, beside: outside.Outside) -> None:
        self._listener = listener
        self._outside = beside

    @property
    def id(self) -> str:
        """``hub:<listener id>``."""
        return receiver_id(self._listener)

    def wants(self, event: Event) -> bool:
        """Of its tenant and surface, and as its query says."""
        if notifications.entity_of(event.kind, self._listener.surface) is None:
            return False
        if event.tenant != self._listener.tenant:
            return False
        asked = self._asked
        told_as = {subscriptions.EVENT_TYPE: notifications.name(event.kind)}
        if not matching.matches(told_as, asked.types):
            return False  # most are refused here, before anything is rendered
        try:
            return not asked.filters or matching.matches(self._notification(event), asked.filters)
        except ValueError:
            return True  # a row that cannot be rendered is parked by deliver: a person sees it

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
        if self._outside.style is outside.CallbackStyle.LISTENER:
            url = url.copy_with(path=path + notifications.listener_path(event.kind))
        host = url.netloc.decode("ascii")
        body = subscriptions.select(self._notification(event), self._asked)
        return delivery.Parcel(
            str(url.copy_with(host=target.address, port=target.port)),
            body,
            event.id,
            headers={"Host": host},
            extensions={"sni_hostname": target.host, lines.LINE: self.id},
        )

    def _notification(self, event: Event) -> dict[str, object]:
        return notifications.notification(event, self._outside.hrefs, self._listener.surface)

    @functools.cached_property
    def _asked(self) -> subscriptions.Subscription:
        return subscriptions.parse(self._listener.query, self._listener.tenant)
