"""Who is told what: hub listeners from their rows, and the configured billing system.

Only ``deliver`` lives here; order, retry and persistence are the outbox's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.events import delivery, hub_listener, listeners, notifications
from bss_bridge.events.outside import Outside
from oss_agent.spi.events import Attempt, Delivery, Event, EventKind, Receiver
from oss_agent.spi.store import Store


@dataclass(frozen=True, slots=True)
class BillingTarget:
    """The billing system: a URL the administrator wrote, so trusted, loopback included."""

    url: str
    token: str | None = field(default=None, repr=False)


class BridgeReceivers:
    """``spi.events.Receivers``: billing first, then the listeners that are registered now."""

    def __init__(
        self,
        store: Store,
        outside: Outside,
        billing: BillingTarget | None,
        connectors: Sequence[Receiver] = (),
    ) -> None:
        self._store = store
        self._outside = outside
        plain = () if billing is None else (Billing(billing, outside),)
        self._billing: tuple[Receiver, ...] = (*plain, *connectors)
        self._hubs: dict[listeners.Listener, hub_listener.HubListener] = {}

    async def current(self) -> tuple[Receiver, ...]:
        """Every active receiver."""
        rows = await self._store.read(listeners.every)
        known = self._hubs
        # Kept between two looks: what a listener asks for is read once, not once per event.
        self._hubs = {
            row: known.get(row) or hub_listener.HubListener(row, self._outside) for row in rows
        }
        return (*self._billing, *self._hubs.values())

    async def removed(self, receivers: Collection[str]) -> frozenset[str]:
        """Which of these were hub listeners and are no more. Billing is never among them."""
        rows = await self._store.read(listeners.every)
        there = {hub_listener.receiver_id(row) for row in rows}
        return frozenset(filter(hub_listener.is_listener, receivers)) - there


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
