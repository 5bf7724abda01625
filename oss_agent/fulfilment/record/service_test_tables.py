"""The rows of service tests, in fulfilment's metadata: they commit with the evidence they name."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, Integer, Named, String, Text, TypedColumns

from oss_agent.fulfilment.record.tables import METADATA, Moment


class ServiceTestColumns(TypedColumns):
    """A service test (TMF653). What it saw is the evidence of (``evidence_of``, ``attempt``).

    Of the proof at turn-up that is a transaction and its attempt, else the test's own id and 0.
    """

    id = Column(String(48), primary_key=True)
    number: Named[int] = Column(Integer, unique=True)
    tenant: Named[str]
    name: Named[str]
    description: Named[str | None] = Column(Text)
    mode: Named[str] = Column(String(16))
    state: Named[str] = Column(String(16), index=True)
    service_id: Named[str] = Column(String(40), index=True)
    service_name: Named[str]
    specification_id: Named[str]
    specification_version: Named[str]
    specification_name: Named[str]
    asked_by: Named[str]
    asked_at: Named[datetime] = Column(Moment)
    start: Named[datetime | None] = Column(Moment)
    end: Named[datetime | None] = Column(Moment)
    order_id: Named[str | None] = Column(String(20))
    reason: Named[str | None] = Column(Text)
    evidence_of: Named[str] = Column(String(40))
    attempt: Named[int]
    extra = Column(sa.JSON)


service_test = sa.Table(
    "ord_service_test",
    METADATA,
    ServiceTestColumns,
    sa.Index("ord_service_test_tenant", "tenant", "number"),
)
