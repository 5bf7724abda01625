"""Events of orders and services, appended in the unit that changes them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.spi import events, views


def order(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceOrderView,
    at: datetime,
) -> None:
    """Tell that an order came or changed its state; no state is told twice."""
    event = events.Event(
        id=f"serviceOrder-{view.id}-{kind}-{view.state}",
        kind=kind,
        tenant=view.tenant,
        entity=f"serviceOrder:{view.id}",
        at=at,
        payload=views.as_json(view),
    )
    sink(connection, event)


def service(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceView,
    at: datetime,
) -> None:
    """Tell that a service came to be or changed its state, by the order that did it."""
    event = events.Event(
        id=f"service-{view.id}-{kind}-{view.state}-{view.order}",
        kind=kind,
        tenant=view.tenant,
        entity=f"service:{view.id}",
        at=at,
        payload=views.as_json(view),
    )
    sink(connection, event)
