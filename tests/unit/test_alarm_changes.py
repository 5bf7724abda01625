"""An alarm that is reported again says which of its attributes are others now."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from oss_agent import settings
from oss_agent.app import tuning
from oss_agent.assurance import alarms, tables
from oss_agent.spi import alarms as spi
from oss_agent.spi import events, views

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
FAULT = spi.Fault(
    key=spi.AlarmKey("pe1:eth4", "communicationsAlarm", "linkDown"),
    tenant="default",
    severity=views.Severity.MAJOR,
    alarmed_object_type="port",
    specific_problem="eth4 is down",
    text="check the cable",
)


def test_a_report_that_differs_names_what_it_changed() -> None:
    told: list[events.Event] = []
    desk = alarms.AlarmDesk(lambda _, event: told.append(event))
    worse = dataclasses.replace(FAULT, severity=views.Severity.CRITICAL, service_affecting=True)
    with sa.create_engine("sqlite://").begin() as connection:
        tables.METADATA.create_all(connection)
        for minute, fault in enumerate((FAULT, FAULT, worse)):
            desk.report(connection, fault, AT + timedelta(minutes=minute))
        desk.clear(connection, FAULT.key, AT + timedelta(minutes=9))
    assert [(one.kind, one.changed) for one in told] == [
        (events.EventKind.ALARM_CREATE, ()),
        (events.EventKind.ALARM_CHANGE, ("state", "perceivedSeverity", "serviceAffecting")),
        (events.EventKind.ALARM_STATE, ("state",)),
    ]


def test_pages_answer_206_only_where_the_settings_say_so() -> None:
    assert not tuning.paging(settings.Http()).partial_content
    assert tuning.paging(settings.Http(partial=206)).partial_content
