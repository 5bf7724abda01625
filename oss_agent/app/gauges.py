"""What is measured and what counts as ready: the rooms' counters under their metric names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from drivers.snmp import engine
from inventory.backup import backup_rows
from inventory.backup import backups as backing_up
from inventory.drift import audits as auditing
from inventory.drift import drift_rows
from inventory.ledgers import case_desk
from inventory.looks import rounds
from inventory.pools import pool_views
from oss_agent import errors, store
from oss_agent.api import health
from oss_agent.assurance import alarm_rows, metrics, role
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import census, fallout_rows
from oss_agent.outbox import desk
from oss_agent.spi import clock


class Turns(NamedTuple):
    """Who looks at devices in turn."""

    discovery: rounds.Rounds
    audits: auditing.Audits
    backups: backing_up.Backups


def page(
    rows: store.SqlStore,
    snmp: engine.Engine,
    watch: role.Assurance,
    time: clock.Clock,
    bounds: limits.Limits,
    turns: Turns,
) -> metrics.Metrics:
    """The metrics page over these rooms."""
    return metrics.Metrics(
        sources=(
            *metrics.snmp_sources(snmp.counters),
            *_counted(rows, turns),
            *watch.metrics(),
        ),
        stored=_stored(time, bounds),
        timed=_timed(turns),
    )


def _counted(rows: store.SqlStore, turns: Turns) -> tuple[metrics.Source, ...]:
    """What the process itself counts."""
    discovery, audits, backups = turns
    return (
        metrics.Source(metrics.BACKUP_LOOKS, backups.counters),
        metrics.Source(metrics.STORE, lambda: _risen(rows.counters())),
        metrics.Source(metrics.STORE_QUEUED, metrics.one(lambda: rows.counters().queued)),
        metrics.Source(metrics.AUDITS, audits.counters),
        metrics.Source(metrics.LOOKS, discovery.counters),
        metrics.Source(metrics.LOOK_AGE, metrics.one(discovery.oldest)),
        metrics.Source(metrics.LOOKS_OVERDUE, metrics.one(discovery.overdue)),
    )


def _stored(time: clock.Clock, bounds: limits.Limits) -> tuple[metrics.Stored, ...]:
    """What the rows say now."""
    return (
        metrics.Stored(metrics.ORDERS, census.orders_by_state),
        metrics.Stored(metrics.TRANSACTIONS, census.transactions_by_stage),
        metrics.Stored(metrics.UNKNOWN, lambda c: {"": len(census.in_doubt(c))}),
        metrics.Stored(metrics.FALLOUT, lambda c: _fallout(c, time.now(), bounds)),
        metrics.Stored(metrics.ALARMS, alarm_rows.open_by_severity),
        metrics.Stored(metrics.CASES, lambda c: case_desk.by_kind(c, time.now())),
        metrics.Stored(metrics.BACKUP_OLDEST, lambda c: {"": backup_rows.age(c, time.now())}),
        metrics.Stored(metrics.BACKUP_FAILING, backup_rows.failing),
        metrics.Stored(metrics.POOL_USED, lambda c: pool_views.used(c, time.now())),
        metrics.Stored(metrics.POOL_FREE, lambda c: pool_views.free(c, time.now())),
        metrics.Stored(metrics.AUDIT_AGE, lambda c: {"": drift_rows.oldest_age(c, time.now())}),
        metrics.Stored(metrics.BACKLOG, lambda c: {"": _waiting(desk.backlog(c))}),
        metrics.Stored(metrics.BACKLOG_AGE, lambda c: {"": _age(desk.backlog(c), time.now())}),
    )


def _timed(turns: Turns) -> tuple[metrics.Timed, ...]:
    """How long a device's turn takes."""
    discovery, audits, backups = turns
    return (
        metrics.Timed(metrics.LOOK_SECONDS, discovery.seconds),
        metrics.Timed(metrics.AUDIT_SECONDS, audits.seconds),
        metrics.Timed(metrics.BACKUP_SECONDS, backups.seconds),
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
