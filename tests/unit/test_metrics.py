"""The page for Prometheus: what is counted appears, and promtool has nothing to say about it."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from inventory.rows import durations
from lab import peers
from oss_agent import errors
from oss_agent.assurance import metrics
from oss_agent.spi import clock
from tests import lab_or_skip

T = TypeVar("T")


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def boot(self) -> clock.BootTime:
        return clock.BootTime("test", 0.0)


class Rows:
    """A store that reads; away when told."""

    away = False

    async def write(self, unit: Callable[[sa.Connection], T]) -> T:
        raise NotImplementedError

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        if self.away:
            raise errors.StoreUnavailable("away")
        return query(sa.create_mock_engine("sqlite://", lambda *_: None))  # type: ignore[arg-type]  # not looked at


def every_metric() -> metrics.Metrics:
    counted = {"requests_sent": 3, "requests_in_flight": 1}
    sources = (
        *metrics.snmp_sources(lambda: counted),
        metrics.Source(metrics.POLLS, lambda: {"answered": 7}),
        metrics.Source(metrics.POLL_LAG, metrics.one(lambda: 0.5)),
        metrics.Source(metrics.POLL_SUCCESS, lambda: {"pe1": 1.7e9}),
        metrics.Source(metrics.AUDITS, lambda: {"alike": 3}),
        metrics.Source(metrics.LOOKS, lambda: {"whole": 2, "unchanged": 40, "refused": 1}),
        metrics.Source(metrics.LOOK_AGE, metrics.one(lambda: 901.0)),
        metrics.Source(metrics.LOOKS_OVERDUE, metrics.one(lambda: 1)),
        metrics.Source(metrics.TRAPS, lambda: {"hinted": 1}),
        metrics.Source(metrics.BACKUP_LOOKS, lambda: {"unchanged": 7}),
        metrics.Source(metrics.STORE, lambda: {"written": 5}),
        metrics.Source(metrics.STORE_QUEUED, metrics.one(lambda: 0)),
        metrics.Source(metrics.USAGE, metrics.one(lambda: 4)),
        metrics.Source(metrics.USAGE_GAPS, metrics.one(lambda: 1)),
    )
    stored = (
        metrics.Stored(metrics.ORDERS, lambda _: {"completed": 2}),
        metrics.Stored(metrics.TRANSACTIONS, lambda _: {"done": 2}),
        metrics.Stored(metrics.UNKNOWN, lambda _: {"": 0}),
        metrics.Stored(metrics.FALLOUT, lambda _: {"changeRejected": 1}),
        metrics.Stored(metrics.ALARMS, lambda _: {"critical": 1, "minor": 0}),
        metrics.Stored(metrics.CASES, lambda _: {"port-missing": 1}),
        metrics.Stored(metrics.BACKUP_OLDEST, lambda _: {"": 86_000.0}),
        metrics.Stored(metrics.BACKUP_FAILING, lambda _: {"unreachable": 1}),
        metrics.Stored(metrics.POOL_USED, lambda _: {"core-vni": 0.43}),
        metrics.Stored(metrics.POOL_FREE, lambda _: {"core-vni": 57}),
        metrics.Stored(metrics.AUDIT_AGE, lambda _: {"": 86400.0}),
        metrics.Stored(metrics.BACKLOG, lambda _: {"": 9}),
        metrics.Stored(metrics.BACKLOG_AGE, lambda _: {"": 1.5}),
    )
    lasted = durations.Durations()
    for seconds in (0.05, 0.5, 3.0, 1_000.0):
        lasted.add(seconds)
    of = (metrics.LOOK_SECONDS, metrics.AUDIT_SECONDS, metrics.BACKUP_SECONDS)
    timed = tuple(metrics.Timed(meaning, lasted.spread) for meaning in of)
    return metrics.Metrics(sources, stored, timed)


def _samples(page: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(page.decode())
    return {(s.name, tuple(s.labels.values())): s.value for f in families for s in f.samples}


def test_every_number_has_its_name_and_label() -> None:
    page = every_metric()
    asyncio.run(page.refresh(Rows(), Clock()))

    samples = _samples(page.render())
    assert samples["oss_polls_total", ("answered",)] == 7
    assert samples["oss_snmp_events_total", ("requests_sent",)] == 3
    assert samples["oss_snmp_state", ("requests_in_flight",)] == 1
    assert samples["oss_alarms_open", ("critical",)] == 1
    assert samples["oss_transactions_unknown", ()] == 0
    assert samples["oss_outbox_events", ()] == 9
    assert samples["oss_stored_metrics_timestamp_seconds", ()] == Clock().now().timestamp()


def test_seconds_are_counted_by_how_many_took_at_most_so_long() -> None:
    samples = _samples(every_metric().render())
    name = "oss_discovery_look_seconds"
    counted = [samples[f"{name}_bucket", (bound,)] for bound in ("0.1", "0.5", "1", "5", "+Inf")]
    assert counted == [1, 2, 2, 3, 4]
    assert (samples[f"{name}_count", ()], samples[f"{name}_sum", ()]) == (4, 1_003.55)


def test_the_page_of_the_manual_lists_every_metric() -> None:
    declared = [m for m in vars(metrics).values() if isinstance(m, metrics.Meaning)]
    timed = {one.meaning for one in every_metric().timed}
    rows = {_row(one, "histogram" if one in timed else "") for one in declared}
    page = (pathlib.Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    listed = {line for line in page.splitlines() if line.startswith("| `oss_")}
    assert listed == rows


def _row(one: metrics.Meaning, kind: str) -> str:
    kind = kind or ("counter" if one.counter else "gauge")
    name = f"{one.name}_total" if one.counter else one.name
    label = f"`{one.label}`" if one.label else ""
    return f"| `{name}` | {kind} | {label} | {one.help} |"


def test_what_was_never_read_is_absent_not_zero() -> None:
    assert b"oss_orders" not in every_metric().render()


def test_numbers_stay_while_the_store_is_away() -> None:
    page, rows = every_metric(), Rows()

    async def story() -> None:
        await page.refresh(rows, Clock())
        rows.away = True
        with pytest.raises(errors.StoreUnavailable):
            await page.refresh(rows, Clock())

    asyncio.run(story())
    assert _samples(page.render())["oss_orders", ("completed",)] == 2


def test_every_declared_metric_is_on_the_page() -> None:
    page = every_metric()
    asyncio.run(page.refresh(Rows(), Clock()))
    declared = {m.name for m in vars(metrics).values() if isinstance(m, metrics.Meaning)}

    assert {f.name for f in text_string_to_metric_families(page.render().decode())} == declared


@pytest.mark.peer
def test_promtool_has_no_objection() -> None:
    page = every_metric()
    asyncio.run(page.refresh(Rows(), Clock()))
    with lab_or_skip.needed():
        code, said = peers.promtool(["check", "metrics"], stdin=page.render().decode())

    assert (code, said.strip()) == (0, "")
