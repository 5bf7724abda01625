"""A device that is neither as before nor as wanted, as far as we can see: said loudly.

A critical alarm in the unit that writes UNKNOWN, cleared in the unit that settles the device.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import states
from oss_agent.spi import alarms, views


def report(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    one: states.Participant,
) -> None:
    """Raise or update the alarm of this device's part in the transaction."""
    at = p.clock.now()
    text = (
        f"device {one.device} is not known to be as order {transaction.order} decided: "
        f"{one.outcome}. It is tried again by itself; look at the device and at "
        f"'order explain {transaction.order}'"
    )
    fault = alarms.Fault(
        key=key(transaction, one),
        severity=views.Severity.CRITICAL,
        alarmed_object_type="transaction",
        specific_problem=f"unknown configuration on {one.device}",
        text=text,
        tenant=transaction.tenant,
        service_affecting=True,
        evidence=(one.outcome,),
    )
    p.alarms.report(connection, fault, at)
    conclude.say(connection, transaction, at, f"{one.device} unknown: {one.outcome}")


def clear(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    one: states.Participant,
    at: datetime,
) -> None:
    """Clear the alarm, if this device had one: its state has moved on since, so no look at it."""
    p.alarms.clear(connection, key(transaction, one), at)


def key(transaction: states.Transaction, one: states.Participant) -> alarms.AlarmKey:
    """One alarm per device and transaction, however often it is seen (X.733)."""
    return alarms.AlarmKey(
        alarmed_object=f"transaction:{transaction.id}:{one.device}",
        alarm_type="processingErrorAlarm",
        probable_cause="configurationOrCustomizationError",
    )
