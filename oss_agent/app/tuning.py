"""From the settings tree to each room's own values: pure, so that a unit slip shows in a test."""

from __future__ import annotations

import dataclasses
import http
from datetime import timedelta

import bss_bridge.engine.access
import bss_bridge.engine.serve
import bss_bridge.engine.surface
import bss_bridge.events.callbacks
import bss_bridge.events.outside
import bss_bridge.events.receivers
from drivers.snmp import engine
from inventory.backup import backup_look, backup_rows, backups
from inventory.drift import audits as auditing
from inventory.ledgers import reconciler
from inventory.looks import rounds
from inventory.pools import pool_values, pool_watch, pools
from oss_agent import flow, settings
from oss_agent.assurance import meter, poller, role
from oss_agent.catalog import specification
from oss_agent.fulfilment import limits
from oss_agent.outbox import pace
from oss_agent.spi import access, stops

_DAY = 86_400.0
_FRESH = 5.0
"""Seconds at most between two looks at who is to be polled: a new service is watched soon."""


def fulfilment(of: settings.Fulfilment, trouble: settings.Orders) -> limits.Limits:
    """How orders meet devices, and what becomes of them there; the names are the same on purpose."""
    windows = tuple(
        limits.Window(
            scope=stops.Scope(one.scope),
            name=one.name,
            days=frozenset(map(settings.WEEK.index, one.days)),
            begins=one.begins,
            ends=one.ends,
        )
        for one in of.windows
    )
    plain = limits.Limits(**of.model_dump(exclude={"windows"}), **trouble.model_dump())
    return dataclasses.replace(plain, windows=windows)


def assurance(tree: settings.Settings) -> role.Pace:
    """How often is polled and how long a usage record is."""
    every = tree.snmp.poll_interval
    period = timedelta(seconds=tree.assurance.usage_interval)
    return role.Pace(
        polls=poller.Pace(
            interval=every, refresh=min(_FRESH, every), verify_after=tree.assurance.verify_after
        ),
        usage=meter.Pace(interval=period, early=min(timedelta(seconds=15), period / 4)),
    )


def discovery(of: settings.Discovery) -> rounds.Pace:
    """How often devices are looked at, and how many together."""
    return rounds.Pace(interval=of.interval, whole=of.whole, together=of.together)


def stations(of: settings.Discovery) -> timedelta | None:
    """How long is kept where a station was; None: for ever."""
    return timedelta(days=of.keep_stations_days) if of.keep_stations_days else None


def audits(of: settings.Discovery) -> auditing.Pace:
    """How often configurations are compared with what was read back."""
    return auditing.Pace(interval=of.audit_within, together=of.audits_together)


def ledgers(of: settings.Discovery) -> reconciler.Pace:
    """How often the ledgers are compared whole, and how many devices in one reading."""
    usual = reconciler.Pace()
    return dataclasses.replace(
        usual,
        whole=of.ledgers_within,
        first=min(usual.first, of.ledgers_within),
        together=of.ledgers_together,
    )


def backup(of: settings.Backup) -> backups.Pace:
    """How often configurations are looked at, and how many devices together."""
    return backups.Pace(interval=of.interval, together=of.together)


def kept(of: settings.Backup) -> backup_look.Bounds:
    """Which versions stay; after two intervals without a good look a person is called."""
    keep = backup_rows.Keep(of.keep_days, of.keep_least, of.keep_most)
    overdue = timedelta(seconds=2 * (of.interval or _DAY))
    return backup_look.Bounds(keep, of.most_bytes, overdue)


def snmp(of: settings.Snmp) -> engine.Limits:
    """How patient the SNMP engine is."""
    return engine.Limits(repetitions=of.retries, first_wait=of.timeout)


def motor(of: settings.Flow) -> flow.Pace:
    """How much order work at once, and how long what was noted of it is kept."""
    keep = timedelta(days=of.keep_runs_days).total_seconds()
    return flow.Pace(concurrency=of.workers, poll=of.poll, keep=keep)


def ranges(tree: settings.Settings) -> tuple[pools.PoolRange, ...]:
    """The pools that values are claimed from."""
    return tuple(_pool(one) for one in tree.pools)


def shortages(tree: settings.Settings) -> dict[str, pool_watch.Bounds]:
    """From when on each pool is short."""
    return {one.name: pool_watch.Bounds(one.alarm_used, one.alarm_days) for one in tree.pools}


def _pool(of: settings.Pool) -> pools.PoolRange:
    if of.prefix is not None:
        found = pools.PoolRange.of_prefix(
            of.name, str(of.prefix), of.length, of.quarantine, of.longest
        )
        return dataclasses.replace(found, unseen=of.unseen)
    return pools.PoolRange(
        of.name,
        of.first or 0,
        of.last or 0,
        of.quarantine,
        kind=pool_values.Kind(of.kind),
        administrator=of.administrator,
        unseen=of.unseen,
    )


def catalogue(of: settings.Catalogue) -> dict[str, str]:
    """What the words ``setting.NAME`` of the specifications mean; what is not set is left out."""
    found = {name: getattr(of, name) for name in specification.SETTINGS}
    return {name: str(value) for name, value in found.items() if value is not None}


def tokens(of: settings.Http) -> bss_bridge.engine.access.Tokens:
    """Who may come in; secrets are resolved here and only their digests kept."""
    return bss_bridge.engine.access.Tokens.of(
        (
            settings.resolve(token.secret),
            access.Caller(token.name, token.tenant, tuple(map(access.Role, token.roles))),
        )
        for token in of.tokens
    )


def tenants(of: settings.Http) -> tuple[str, ...]:
    """Whose things there can be: without a token one is ``default``."""
    return tuple(dict.fromkeys(("default", *(token.tenant for token in of.tokens))))


def bind(of: settings.Http) -> bss_bridge.engine.serve.Bind:
    """Where to listen."""
    return bss_bridge.engine.serve.Bind(of.bind, of.port, of.fd)


def outbox(of: settings.Outbox) -> pace.Pace:
    """How patiently others are told."""
    return pace.Pace(
        parallel=of.parallel,
        longest_pause=of.longest_pause,
        late=timedelta(seconds=of.late_after),
        give_up=timedelta(days=of.give_up_days),
        patience=timedelta(days=of.patience_days),
        keep=timedelta(days=of.keep_days),
    )


def policy(of: settings.Http) -> bss_bridge.events.callbacks.Policy:
    """Which private callbacks are allowed."""
    return bss_bridge.events.callbacks.Policy.of(of.callbacks)


def paging(of: settings.Http) -> bss_bridge.engine.surface.Paging:
    """How collections answer."""
    return bss_bridge.engine.surface.Paging(partial_content=of.partial != http.HTTPStatus.OK.value)


def style(of: settings.Http) -> bss_bridge.events.outside.CallbackStyle:
    """Where hub events are posted."""
    return bss_bridge.events.outside.CallbackStyle(of.callback_style)


def billing(of: settings.Billing) -> bss_bridge.events.receivers.BillingTarget | None:
    """Who is told about status and usage; None when nobody is configured."""
    if not of.url:
        return None
    token = settings.resolve(of.token) if of.token else None
    return bss_bridge.events.receivers.BillingTarget(of.url, token)
