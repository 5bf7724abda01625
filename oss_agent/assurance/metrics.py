"""Every metric name of the agent, and how a page of them is made for Prometheus.

Rooms keep plain counters; here they get a name, a help text and a label at the moment of a
scrape, so that counting costs an addition and nothing is registered globally. What lies in the
database is read by ``refresh`` beforehand, because a scrape must not wait for it; its age is a
metric too. Names satisfy ``promtool check metrics``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from oss_agent import errors
from oss_agent.spi import clock, store

Numbers: TypeAlias = Mapping[str, float]
"""A label's value -> a number; a metric without label has the one key ""."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A metric's name (a counter's without ``_total``), help text and label, if it has one."""

    name: str
    help: str
    label: str = ""
    counter: bool = False


ORDERS = Meaning("oss_orders", "Service orders by TMF641 state.", "state")
TRANSACTIONS = Meaning("oss_transactions", "Transactions by state.", "state")
UNKNOWN = Meaning(
    "oss_transactions_unknown", "Transactions whose devices are in doubt: a person is needed."
)
FALLOUT = Meaning("oss_order_fallout", "Order items that a person has to decide about.", "cause")
ALARMS = Meaning("oss_alarms_open", "Open alarms by perceived severity.", "severity")
BACKLOG = Meaning("oss_outbox_events", "Events not yet delivered to every receiver.")
BACKLOG_AGE = Meaning("oss_outbox_oldest_age_seconds", "Age of the oldest event not yet delivered.")
CASES = Meaning("oss_cases_open", "Open cases: what a person should look at.", "kind")
BACKUP_LOOKS = Meaning(
    "oss_agent_backup_looks",
    "Looks at configurations by what became of them: changed, unchanged, or why none was kept.",
    "result",
    counter=True,
)
BACKUP_OLDEST = Meaning(
    "oss_agent_backup_oldest_age_seconds",
    "Age of the last good backup of the device that has had none for the longest time.",
)
BACKUP_FAILING = Meaning(
    "oss_agent_backup_failing_devices", "Devices whose last look was no good one.", "reason"
)
POOL_USED = Meaning(
    "oss_pool_used_ratio", "Part of a pool that nobody can have now, 0 to 1.", "pool"
)
POOL_FREE = Meaning("oss_pool_free_values", "Values of a pool that may be given out now.", "pool")
AUDITS = Meaning(
    "oss_audits", "Audits of devices' configuration by what became of them.", "result", counter=True
)
AUDIT_AGE = Meaning(
    "oss_audit_oldest_age_seconds", "Since the device that waits longest for its audit had one."
)
AUDIT_SECONDS = Meaning("oss_audit_seconds", "How long audits in turn took.")
BACKUP_SECONDS = Meaning(
    "oss_agent_backup_look_seconds", "How long looks at configurations in turn took."
)
LOOKS = Meaning(
    "oss_discovery_looks",
    "Looks at devices by what became of them, and hints that asked for one.",
    "result",
    counter=True,
)
LOOK_SECONDS = Meaning("oss_discovery_look_seconds", "How long looks at devices took.")
LOOK_AGE = Meaning(
    "oss_discovery_oldest_look_age_seconds",
    "Since the last good look at the device that waits longest for one, or since our start.",
)
LOOKS_OVERDUE = Meaning(
    "oss_discovery_overdue_devices", "Devices without a good look for twice the interval."
)
REFRESHED = Meaning(
    "oss_stored_metrics_timestamp_seconds", "When the metrics from the database were read."
)
POLLS = Meaning("oss_polls", "Polls by what became of them.", "result", counter=True)
POLL_LAG = Meaning("oss_poll_lag_seconds", "Between when the last poll was due and its start.")
POLL_SUCCESS = Meaning(
    "oss_poll_last_success_timestamp_seconds", "Last recorded poll of a device.", "device"
)
TRAPS = Meaning("oss_traps", "Traps let in, by what became of them.", "result", counter=True)
SNMP = Meaning("oss_snmp_events", "What the SNMP engine counted.", "event", counter=True)
SNMP_NOW = Meaning("oss_snmp_state", "What the SNMP engine holds now.", "item")
STORE = Meaning("oss_store_events", "What the store counted.", "event", counter=True)
STORE_QUEUED = Meaning("oss_store_queued_units", "Units that wait for the database.")
USAGE = Meaning("oss_usage_records", "Usage records written.", counter=True)
USAGE_GAPS = Meaning(
    "oss_usage_gaps", "Usage records of an interval whose usage nobody knows.", counter=True
)

_SNMP_GAUGES = frozenset(
    {"requests_in_flight", "agents_remembered", "traps_waiting", "traps_buffer"}
)


@dataclass(frozen=True, slots=True)
class Source:
    """A metric and where its numbers are."""

    meaning: Meaning
    read: Callable[[], Numbers]


@dataclass(frozen=True, slots=True)
class Stored:
    """A metric whose numbers are rows."""

    meaning: Meaning
    read: Callable[[sa.Connection], Numbers]


@dataclass(frozen=True, slots=True)
class Timed:
    """A histogram and where its counts are: how many took at most so long (s), and the sum of all.

    The last bound is infinity.
    """

    meaning: Meaning
    read: Callable[[], tuple[Sequence[tuple[float, int]], float]]


def one(read: Callable[[], float]) -> Callable[[], Numbers]:
    """A single number as a source without label."""
    return lambda: {"": read()}


def snmp_sources(counters: Callable[[], Mapping[str, int]]) -> tuple[Source, Source]:
    """An SNMP engine's counters: what only rises, and what is now."""

    def part(*, now: bool) -> Numbers:
        return {name: n for name, n in counters().items() if (name in _SNMP_GAUGES) is now}

    return Source(SNMP, lambda: part(now=False)), Source(SNMP_NOW, lambda: part(now=True))


@dataclass(slots=True, eq=False)
class Metrics:
    """The agent's page. ``sources`` and ``timed`` are read at each scrape, ``stored`` at each refresh."""

    sources: tuple[Source, ...]
    stored: tuple[Stored, ...] = ()
    timed: tuple[Timed, ...] = ()
    _kept: dict[str, Numbers] = field(default_factory=dict[str, Numbers])

    def render(self) -> bytes:
        """The exposition, in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """``prometheus_client.registry.Collector``: every family with its numbers now."""
        for source in self.sources:
            yield family(source.meaning, source.read())
        for timed in self.timed:
            yield _histogram(timed)
        for stored in self.stored:
            if stored.meaning.name in self._kept:
                yield family(stored.meaning, self._kept[stored.meaning.name])
        if REFRESHED.name in self._kept:
            yield family(REFRESHED, self._kept[REFRESHED.name])

    async def refresh(self, rows: store.Store, time: clock.Clock) -> None:
        """Read the stored metrics once. StoreUnavailable."""

        def read(connection: sa.Connection) -> dict[str, Numbers]:
            return {each.meaning.name: each.read(connection) for each in self.stored}

        self._kept = await rows.read(read)
        self._kept[REFRESHED.name] = {"": time.now().timestamp()}

    async def run(self, rows: store.Store, time: clock.Clock, every: float = 5.0) -> None:
        """Refresh for ever; while the database is away the last numbers stay, and their age."""
        while True:
            with contextlib.suppress(errors.StoreUnavailable):
                await self.refresh(rows, time)
            await asyncio.sleep(every)


def family(meaning: Meaning, numbers: Numbers) -> Metric:
    """A metric family; a label appears only where the meaning has one."""
    kind = CounterMetricFamily if meaning.counter else GaugeMetricFamily
    made = kind(meaning.name, meaning.help, labels=[meaning.label] if meaning.label else [])
    for label, number in _ordered(numbers):
        made.add_metric([label] if meaning.label else [], number)
    return made


def _histogram(timed: Timed) -> Metric:
    within, total = timed.read()
    buckets = [("+Inf" if bound == float("inf") else f"{bound:g}", n) for bound, n in within]
    return HistogramMetricFamily(timed.meaning.name, timed.meaning.help, buckets, total)


def _ordered(numbers: Numbers) -> Iterable[tuple[str, float]]:
    return sorted(numbers.items())
