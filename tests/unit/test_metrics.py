"""The page for Prometheus: what is counted appears, and promtool has nothing to say about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

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
        metrics.Source(metrics.TRAPS, lambda: {"hinted": 1}),
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
        metrics.Stored(metrics.POOL_USED, lambda _: {"core-vni": 0.43}),
        metrics.Stored(metrics.POOL_FREE, lambda _: {"core-vni": 57}),
        metrics.Stored(metrics.BACKLOG, lambda _: {"": 9}),
        metrics.Stored(metrics.BACKLOG_AGE, lambda _: {"": 1.5}),
    )
    return metrics.Metrics(sources, stored)


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
