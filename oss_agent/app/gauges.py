"""What is measured and what counts as ready: the rooms' counters under their metric names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from drivers.snmp import engine
from inventory import pool_views
from oss_agent import errors, store
from oss_agent.api import health
from oss_agent.assurance import alarm_rows, metrics, role
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import census, fallout_rows
from oss_agent.outbox import desk
from oss_agent.spi import clock


def page(
    rows: store.SqlStore,
    snmp: engine.Engine,
    watch: role.Assurance,
    time: clock.Clock,
    bounds: limits.Limits,
) -> metrics.Metrics:
    """The metrics page over these rooms."""
    return metrics.Metrics(
        sources=(
            *metrics.snmp_sources(snmp.counters),
            metrics.Source(metrics.STORE, lambda: _risen(rows.counters())),
            metrics.Source(metrics.STORE_QUEUED, metrics.one(lambda: rows.counters().queued)),
            *watch.metrics(),
        ),
        stored=(
            metrics.Stored(metrics.ORDERS, census.orders_by_state),
            metrics.Stored(metrics.TRANSACTIONS, census.transactions_by_stage),
            metrics.Stored(metrics.UNKNOWN, lambda c: {"": len(census.in_doubt(c))}),
            metrics.Stored(metrics.FALLOUT, lambda c: _fallout(c, time.now(), bounds)),
            metrics.Stored(metrics.ALARMS, alarm_rows.open_by_severity),
            metrics.Stored(metrics.POOL_USED, lambda c: pool_views.used(c, time.now())),
            metrics.Stored(metrics.POOL_FREE, lambda c: pool_views.free(c, time.now())),
            metrics.Stored(metrics.BACKLOG, lambda c: {"": _waiting(desk.backlog(c))}),
            metrics.Stored(metrics.BACKLOG_AGE, lambda c: {"": _age(desk.backlog(c), time.now())}),
        ),
    )


def _risen(counters: store.Counters) -> Mapping[str, float]:
    return {k: v for k, v in dataclasses.asdict(counters).items() if k != "queued"}


def _fallout(connection: sa.Connection, at: datetime, bounds: limits.Limits) -> Mapping[str, int]:
    within, after = bounds.fallout_within, bounds.unsettled_after
    return fallout_rows.by_cause(connection, at, within=within, unsettled_after=after)


def _waiting(backlog: list[desk.Backlog]) -> int:
    return sum(one.pending + one.parked for one in backlog)


def _age(backlog: list[desk.Backlog], now: datetime) -> float:
    return max(((now - one.oldest).total_seconds() for one in backlog), default=0.0)


def readiness(rows: store.SqlStore) -> health.Ready:
    """Ready means: the database answers. Transactions in doubt are named beside it."""

    async def look() -> health.Readiness:
        try:
            doubt = await rows.read(census.in_doubt)
        except errors.StoreUnavailable as away:
            return health.Readiness((health.Part("store", ready=False, detail=str(away)),))
        return health.Readiness((health.Part("store", ready=True, detail="answers"),), doubt)

    return look
