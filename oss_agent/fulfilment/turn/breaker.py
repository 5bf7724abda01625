"""Decides when a platform has had enough: aborted votes in a row stop its writes and call a person.

A vote that fails on three services in a row is seldom three bad services: a release, a template or
the core is broken, and every further order would be built up and torn down again. Only aborts that
the proof demanded count. A device that was locked or a change that it refused says nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import states, tables
from oss_agent.fulfilment.turn import stop_rows
from oss_agent.spi import alarms, stops, views

NAME = "circuit breaker"
ABORTED = (states.Cause.PROOF, states.Cause.NEIGHBOUR)
"""What an abort for want of proof is decided for."""


def tripped(latest: Sequence[states.Cause], votes: int) -> bool:
    """Did the latest ``votes`` votes all abort for want of proof? Newest first. 0 never trips."""
    counted = latest[:votes]
    return 0 < votes == len(counted) and all(one in ABORTED for one in counted)


def after_abort(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """Look at the platforms that this vote was about, in the unit that decided one of ``ABORTED``."""
    for platform in _platforms(connection, transaction):
        latest = _latest(connection, transaction.tenant, platform, p.limits.breaker_votes)
        if tripped(latest, p.limits.breaker_votes):
            _stop(connection, p, transaction, platform, at)


def _platforms(connection: sa.Connection, transaction: states.Transaction) -> list[str]:
    c = tables.participant.c
    asked = sa.select(c.platform).where(
        c.transaction_id == transaction.id, c.attempt == transaction.attempt
    )
    return sorted(set(connection.execute(asked).scalars()))


def _latest(
    connection: sa.Connection, tenant: str, platform: str, votes: int
) -> tuple[states.Cause, ...]:
    """Causes of the platform's latest votes since its breaker was last lifted, newest first."""
    d, part = tables.decision.c, tables.participant.c
    took_part = sa.exists().where(
        part.transaction_id == d.transaction_id,
        part.attempt == d.attempt,
        part.platform == platform,
    )
    votes_only = d.cause.in_((*ABORTED, states.Cause.PROVEN))
    asked = sa.select(d.cause).where(d.tenant == tenant, votes_only, took_part)
    lifted = _lifted(connection, tenant, platform)
    if lifted is not None:
        asked = asked.where(d.at > lifted)
    rows = connection.execute(asked.order_by(d.at.desc()).limit(votes)).scalars()
    return tuple(states.Cause(cause) for cause in rows)


def _lifted(connection: sa.Connection, tenant: str, platform: str) -> datetime | None:
    c = tables.stop.c
    asked = sa.select(sa.func.max(c.lifted_at)).where(
        c.tenant == tenant, c.cause == stops.Cause.BREAKER, c.name == platform
    )
    found: datetime | None = connection.execute(asked).scalar_one()
    return found


def _stop(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    platform: str,
    at: datetime,
) -> None:
    reason = f"{p.limits.breaker_votes} proofs in a row failed on {platform}: find out why first"
    request = stops.StopRequest(stops.Scope.PLATFORM, platform, reason)
    cause = stops.Cause.BREAKER
    stop = stop_rows.put(connection, transaction.tenant, request, cause=cause, by=NAME, at=at)
    fault = alarms.Fault(
        key=key(platform),
        severity=views.Severity.MAJOR,
        alarmed_object_type="platform",
        specific_problem="writes stopped",
        text=f"{reason}; the latest was order {transaction.order}. Then: oss-agent resume {stop.id}",
        tenant=transaction.tenant,
    )
    p.alarms.report(connection, fault, at)


def key(platform: str) -> alarms.AlarmKey:
    """The breaker's alarm; lifting the stop clears it."""
    return alarms.AlarmKey(f"platform:{platform}", "qualityOfServiceAlarm", "thresholdCrossed")
