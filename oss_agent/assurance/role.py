"""Wires assurance together for app's TaskGroup: the poller, the trap intake, the meter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from oss_agent.assurance import alarms, intake, meter, metrics, observe, poller
from oss_agent.spi import clock, events, ledger, onboarding, snmp, store


@dataclass(frozen=True, slots=True)
class Pace:
    """How often devices are polled, and how long a usage record is."""

    polls: poller.Pace = field(default_factory=poller.Pace)
    usage: meter.Pace = field(default_factory=meter.Pace)


class Assurance:
    """One role: polls, traps, alarms, impact, usage. ``desk`` is also fulfilment's alarm desk.

    ``changed`` hears of devices whose traps tell of more than a link.
    """

    def __init__(
        self,
        *,
        rows: store.Store,
        inventory: ledger.Ledger,
        devices: ledger.Devices,
        engine: snmp.SnmpEngine,
        sink: events.EventSink,
        time: clock.Clock,
        pace: Pace | None = None,
        changed: Callable[[str, onboarding.About], None] = lambda _device, _about: None,
    ) -> None:
        pace = pace or Pace()
        self.desk = alarms.AlarmDesk(sink)
        self.meter = meter.Meter(rows, inventory, sink, pace.usage)
        observer = observe.Observer(rows, inventory, self.desk, sink)
        self.poller = poller.Poller(devices, engine, observer, (self.meter,), time, pace.polls)
        self.intake = intake.Intake(devices, engine, self.poller, changed)

    def metrics(self) -> tuple[metrics.Source, ...]:
        """What this role counts, for the page (metrics.py)."""
        return (
            metrics.Source(metrics.POLLS, self.poller.counters),
            metrics.Source(metrics.POLL_LAG, metrics.one(self.poller.lag)),
            metrics.Source(metrics.POLL_SUCCESS, self.poller.last_success),
            metrics.Source(metrics.TRAPS, self.intake.counters),
            metrics.Source(metrics.USAGE, metrics.one(lambda: self.meter.records)),
            metrics.Source(metrics.USAGE_GAPS, metrics.one(lambda: self.meter.gaps)),
        )

    async def run(self) -> None:
        """Run until cancelled; an error that nobody foresaw ends the role, and so the daemon."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.poller.run())
            group.create_task(self.intake.run())
