"""What must be told to others: event rows in the unit of the change, delivered until accepted."""

from oss_agent.outbox.dispatch import Counters, Outbox
from oss_agent.outbox.news import Accepted, Caught, Halt, Heed, Late, Notice, Report
from oss_agent.outbox.pace import Pace
from oss_agent.outbox.tables import METADATA, State
from oss_agent.outbox.watch import Watch

__all__ = [
    "METADATA",
    "Accepted",
    "Caught",
    "Counters",
    "Halt",
    "Heed",
    "Late",
    "Notice",
    "Outbox",
    "Pace",
    "Report",
    "State",
    "Watch",
]
