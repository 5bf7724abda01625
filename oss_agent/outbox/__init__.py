"""What must be told to others: event rows in the unit of the change, delivered until accepted."""

from oss_agent.outbox.dispatch import Counters, Halt, Outbox, Pace, Report
from oss_agent.outbox.tables import METADATA, State

__all__ = ["METADATA", "Counters", "Halt", "Outbox", "Pace", "Report", "State"]
