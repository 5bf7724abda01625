"""What fulfilment works with: every collaborator, passed in, nothing global."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.record import journal
from oss_agent.fulfilment.talk import connections, contact
from oss_agent.spi import alarms, catalogue, clock, device, events, ledger, store


@dataclass(frozen=True, slots=True)
class Parts:
    """Collaborators of orders, feeder, phases and settling.

    ``count_unknown`` is called with the device's name whenever a participant becomes UNKNOWN:
    the metric beside the critical alarm. ``lines`` are the open logins. ``bell`` wakes the feeder before its time.
    ``ended`` is told of each device and order of which a transaction is done, after that is written.
    """

    store: store.Store
    drivers: device.Drivers
    lines: connections.Connections
    ledger: ledger.Ledger
    catalogue: catalogue.Catalogue
    events: events.EventSink
    alarms: alarms.Alarms
    clock: clock.Clock
    limits: limits.Limits
    failpoints: failpoints.Failpoints
    count_unknown: Callable[[str], None]
    bell: asyncio.Event
    ended: Callable[[str, str], None] = lambda _, __: None

    @property
    def journal(self) -> journal.Journal:
        """Durable writes, each between two failpoints."""
        return journal.Journal(self.store, self.failpoints)

    @property
    def contact(self) -> contact.Contact:
        """Conversations with devices, each call bounded and between two failpoints."""
        return contact.Contact(self.drivers, self.lines, self.failpoints, self.limits)
