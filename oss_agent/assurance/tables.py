"""Decides how alarms and usage are stored (prefixes ``alm_`` and ``usg_``).

An alarm is state: one row, changed by the one reducer, and every version of it kept in
``alm_history`` with both times. Usage is a ledger: rows are only added, a correction is a new
revision. Raw counters are text, because a Counter64 does not fit a database's signed integer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Named, String, Text, TypedColumns

from oss_agent.moment import Moment

METADATA: Final = sa.MetaData()


class Counter64(sa.TypeDecorator[int]):
    """An unsigned 64-bit counter as it was read, exactly."""

    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> str | None:
        """To decimal digits."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> int | None:
        """From decimal digits."""
        del dialect
        return None if value is None else int(value)


class AlarmColumns(TypedColumns):
    """An alarm as it is now (TMF642, X.733). ``revision`` counts its changes, for event ids."""

    id = Column(String(64), primary_key=True)
    tenant: Named[str] = Column(String(255))
    revision: Named[int]
    state: Named[str] = Column(String(16))
    alarm_type: Named[str] = Column(String(64))
    probable_cause: Named[str] = Column(String(64))
    specific_problem: Named[str] = Column(Text)
    severity: Named[str] = Column(String(16))
    alarmed_object: Named[str] = Column(String(255))
    alarmed_object_type: Named[str] = Column(String(64))
    raised_at: Named[datetime] = Column(Moment)
    changed_at: Named[datetime] = Column(Moment)
    cleared_at: Named[datetime | None] = Column(Moment)
    is_root_cause: Named[bool]
    service_affecting: Named[bool]
    affected_services: Named[Any] = Column(sa.JSON)
    evidence: Named[Any] = Column(sa.JSON)
    count: Named[int]
    text: Named[str] = Column(Text)


class HistoryColumns(TypedColumns):
    """What an alarm was: valid from/to in the network's time, known from/to in ours."""

    alarm = Column(String(64), primary_key=True)
    revision = Column(sa.Integer, primary_key=True)
    tenant: Named[str] = Column(String(255))
    state: Named[str] = Column(String(16))
    severity: Named[str] = Column(String(16))
    text: Named[str] = Column(Text)
    valid_from: Named[datetime] = Column(Moment)
    valid_to: Named[datetime | None] = Column(Moment)
    known_from: Named[datetime] = Column(Moment)
    known_to: Named[datetime | None] = Column(Moment)


class SampleColumns(TypedColumns):
    """A raw sample that a usage record names: never changed, so that a bill can be explained."""

    id = Column(String(255), primary_key=True)
    tenant: Named[str] = Column(String(255))
    service: Named[str] = Column(String(255))
    meter_point: Named[str] = Column(String(255))
    at: Named[datetime] = Column(Moment)
    uptime: Named[int] = Column(BigInteger)
    discontinuity: Named[int | None] = Column(BigInteger)
    octets_in: Named[int | None] = Column(Counter64)
    octets_out: Named[int | None] = Column(Counter64)


class OpenColumns(TypedColumns):
    """A period that has begun, with ``sample``; deleted when the service has left, and that was told."""

    meter_point = Column(String(255), primary_key=True)
    service = Column(String(255), primary_key=True)
    device: Named[str] = Column(String(255), index=True)
    tenant: Named[str] = Column(String(255))
    service_name: Named[str] = Column(String(255))
    customer: Named[str] = Column(String(255))
    sample: Named[str] = Column(String(255))


class UsageColumns(TypedColumns):
    """One usage record; ``valid_from`` and ``valid_to`` are the period. Octets are null in a gap."""

    meter_point = Column(String(255), primary_key=True)
    valid_from: Named[datetime] = Column(Moment, primary_key=True)
    revision = Column(sa.Integer, primary_key=True, autoincrement=False)
    valid_to: Named[datetime] = Column(Moment)
    known_from: Named[datetime] = Column(Moment)
    known_to: Named[datetime | None] = Column(Moment)
    key: Named[str] = Column(String(255), unique=True)
    tenant: Named[str] = Column(String(255))
    service: Named[str] = Column(String(255))
    service_name: Named[str] = Column(String(255))
    customer: Named[str] = Column(String(255))
    octets_in: Named[int | None] = Column(BigInteger)
    octets_out: Named[int | None] = Column(BigInteger)
    gap: Named[str | None] = Column(Text)
    first_sample: Named[str] = Column(String(255))
    second_sample: Named[str] = Column(String(255))
    correction_of: Named[str | None] = Column(String(255))


ALARMS: Final = sa.Table("alm_alarm", METADATA, AlarmColumns)
HISTORY: Final = sa.Table("alm_history", METADATA, HistoryColumns)
SAMPLES: Final = sa.Table("usg_sample", METADATA, SampleColumns)
OPEN: Final = sa.Table("usg_open", METADATA, OpenColumns)
USAGE: Final = sa.Table("usg_record", METADATA, UsageColumns)

_OPEN = sa.text("state <> 'cleared'")
sa.Index(
    "alm_alarm_open",  # the truth about 'one open alarm per key'
    ALARMS.c.alarmed_object,
    ALARMS.c.alarm_type,
    ALARMS.c.probable_cause,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
sa.Index("alm_alarm_raised", ALARMS.c.tenant, ALARMS.c.raised_at)
sa.Index("usg_sample_point", SAMPLES.c.meter_point, SAMPLES.c.service, SAMPLES.c.at)
sa.Index("usg_record_service", USAGE.c.tenant, USAGE.c.service, USAGE.c.valid_from)
