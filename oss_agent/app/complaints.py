"""What the agent itself calls a person for: a parked event, a poisoned run, a pool that runs out."""

from __future__ import annotations

import sqlalchemy as sa

from inventory.pools import pool_watch
from oss_agent import outbox, store
from oss_agent.spi import alarms, clock, events
from oss_agent.spi.views import Severity


class Complaints:
    """Raises them at the desk that ``app`` hands over once it exists."""

    def __init__(self, rows: store.SqlStore, time: clock.Clock) -> None:
        self._rows = rows
        self._time = time
        self._desk: alarms.Alarms | None = None

    def go_to(self, desk: alarms.Alarms) -> None:
        """From now on complaints are heard there (the desk needs the outbox, the outbox us)."""
        self._desk = desk

    def undelivered(self, connection: sa.Connection, halt: outbox.Halt) -> None:
        """``outbox.Report``: in the unit that parks the event or stops the receiver."""
        stopped = halt.delivery is events.Delivery.STOPPED
        what = "stopped: nothing is sent to it" if stopped else f"refuses {halt.entity}"
        event = "" if stopped else f" {halt.event_id}"
        self._report(
            connection,
            _halted(halt.receiver, "" if stopped else halt.entity),
            "receiver",
            f"{halt.receiver} {what}: {halt.reason}. Mend it there, then say: oss-agent outbox "
            f"redeliver {halt.receiver}{event}",
        )

    def heed(self, connection: sa.Connection, notice: outbox.Notice) -> None:
        """``outbox.Heed``: lateness is an alarm while it lasts, and what is over is cleared."""
        now, desk = self._time.now(), self._heard()
        match notice:
            case outbox.Late(receiver, oldest):
                self._report(
                    connection,
                    _late(receiver),
                    "receiver",
                    f"{receiver} is late: its oldest event waits since {clock.rfc3339(oldest)}. "
                    f"Nothing is lost; oss-agent outbox list --receiver {receiver} says why",
                )
            case outbox.Caught(receiver):
                desk.clear(connection, _late(receiver), now)
            case outbox.Accepted(receiver, entity):
                for key in (_halted(receiver, ""), _halted(receiver, entity)):
                    desk.clear(connection, key, now)

    def short(self, connection: sa.Connection, told: pool_watch.Shortage) -> None:
        """``pool_watch.Tell``: a pool runs out, or does not any more."""
        key = alarms.AlarmKey(
            f"pool:{told.pool}", "qualityOfServiceAlarm", "resourceAtOrNearingCapacity"
        )
        if not told.why:
            self._heard().clear(connection, key, self._time.now())
            return
        text = (
            f"pool {told.pool} runs out: {told.why}. Widen it in the settings, or give back what "
        )
        text += f"is not used; oss-agent pool claims {told.pool} says who has it"
        worst = Severity.CRITICAL if told.full else Severity.MAJOR
        self._report(connection, key, "pool", text, severity=worst, tenant=told.tenant)

    async def poisoned(self, transaction: str, run: int, phase: str, error: Exception) -> None:
        """``flow.Poisoned``: a phase failed again and again for no reason it should."""
        text = (
            f"transaction {transaction} run {run} cannot do {phase}: {type(error).__name__} "
            f"{error}. The feeder tries again later; the log has the traceback"
        )
        key = alarms.AlarmKey(f"transaction:{transaction}", "processingErrorAlarm", "softwareError")
        await self._rows.write(lambda c: self._report(c, key, "transaction", text))

    def _report(
        self,
        connection: sa.Connection,
        key: alarms.AlarmKey,
        kind: str,
        text: str,
        *,
        severity: Severity = Severity.MAJOR,
        tenant: str = "default",
    ) -> None:
        fault = alarms.Fault(
            key=key,
            severity=severity,
            tenant=tenant,
            alarmed_object_type=kind,
            specific_problem=key.probable_cause,
            text=text,
        )
        self._heard().report(connection, fault, self._time.now())

    def _heard(self) -> alarms.Alarms:
        if self._desk is None:
            raise RuntimeError("complaints have nowhere to go: app wires the desk first")
        return self._desk


def _halted(receiver: str, entity: str) -> alarms.AlarmKey:
    """A receiver that is stopped, or one entity that waits at it."""
    who = f"receiver:{receiver}:{entity}" if entity else f"receiver:{receiver}"
    return alarms.AlarmKey(who, "communicationsAlarm", "communicationsSubsystemFailure")


def _late(receiver: str) -> alarms.AlarmKey:
    return alarms.AlarmKey(f"receiver:{receiver}", "qualityOfServiceAlarm", "responseTimeExcessive")
