"""Events of orders, tasks and services, appended in the unit that changes them."""

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
    *,
    number: int = 0,
) -> None:
    """Tell that an order came or changed; ``number`` counts its changes, for a state may come back."""
    event = events.Event(
        id=f"serviceOrder-{view.id}-{kind}-{view.state}-{number}",
        kind=kind,
        tenant=view.tenant,
        entity=f"serviceOrder:{view.id}",
        at=at,
        payload=views.as_json(view),
    )
    sink(connection, event)


def cancellation(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.CancelView,
    at: datetime,
) -> None:
    """Tell that a task came or changed its state; it is in none of them twice."""
    event = events.Event(
        id=f"cancelServiceOrder-{view.id}-{kind}-{view.state}",
        kind=kind,
        tenant=view.tenant,
        entity=f"cancelServiceOrder:{view.id}",
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
