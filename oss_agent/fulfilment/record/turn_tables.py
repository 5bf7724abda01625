"""The rows of whose turn it is: leases, their queues, stops, plans that are approved."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, Integer, Named, String, Text, TypedColumns

from oss_agent.fulfilment.record.metadata import METADATA, Moment


class LeaseColumns(TypedColumns):
    """Who may change a device now; ends by settling, never by time."""

    device = Column(String(64), primary_key=True)
    tenant: Named[str]
    transaction_id: Named[str] = Column(String(40), index=True)
    token: Named[int]
    since: Named[datetime] = Column(Moment)


lease = sa.Table("ord_lease", METADATA, LeaseColumns)


class QueueColumns(TypedColumns):
    """Who waits for a device's lease; ``accepted`` is the place in the queue."""

    device = Column(String(64), primary_key=True)
    transaction_id = Column(String(40), primary_key=True)
    tenant: Named[str]
    accepted: Named[int]
    since: Named[datetime] = Column(Moment)


queue = sa.Table("ord_lease_queue", METADATA, QueueColumns)


class StopColumns(TypedColumns):
    """What keeps writes from the network; a lifted one stays as a record."""

    number = Column(Integer, primary_key=True)
    tenant: Named[str]
    scope: Named[str] = Column(String(16))
    name: Named[str]
    reason: Named[str] = Column(Text)
    cause: Named[str] = Column(String(16))
    set_by: Named[str]
    begins: Named[datetime] = Column(Moment)
    ends: Named[datetime | None] = Column(Moment)
    lifted_at: Named[datetime | None] = Column(Moment)
    lifted_by: Named[str | None]


stop = sa.Table("ord_stop", METADATA, StopColumns)


class PlanColumns(TypedColumns):
    """The native text of a plan by its hash, so that two plans can be shown side by side."""

    tenant = Column(String(255), primary_key=True)
    hash = Column(String(64), primary_key=True)
    at: Named[datetime] = Column(Moment)
    natives = Column(sa.JSON)


plan = sa.Table("ord_plan", METADATA, PlanColumns)
