"""Events of orders, products, tasks and services, appended in the unit that changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from oss_agent.spi import events, views


class Told(Protocol):
    """A view of something that others are told about."""

    @property
    def id(self) -> str:
        """Its id, unique among its entity's."""
        ...

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...


def tell(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: Told,
    at: datetime,
    *,
    entity: str,
    mark: str,
    changed: tuple[str, ...] = (),
) -> None:
    """Tell what ``view`` is now, once: ``mark`` is what sets this event of it apart from all others.

    ``changed`` names what is another than before, in the words of the entity's own API.
    """
    event = events.Event(
        id=f"{entity}-{view.id}-{mark}",
        kind=kind,
        tenant=view.tenant,
        entity=f"{entity}:{view.id}",
        at=at,
        payload=views.as_json(view),
        changed=changed,
    )
    sink(connection, event)


def order(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceOrderView,
    at: datetime,
    *,
    number: int = 0,
    changed: tuple[str, ...] = (),
) -> None:
    """Tell that an order came or changed; ``number`` counts its changes, for a state may come back."""
    mark = f"{kind}-{view.state}-{number}"
    tell(connection, sink, kind, view, at, entity="serviceOrder", mark=mark, changed=changed)


def cancellation(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.CancelView,
    at: datetime,
) -> None:
    """Tell that a task came or changed its state; it is in none of them twice."""
    mark = f"{kind}-{view.state}"
    tell(connection, sink, kind, view, at, entity="cancelServiceOrder", mark=mark)


def service(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceView,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> None:
    """Tell that a service came to be, changed its state or ``changed``, by the order that did it."""
    mark = f"{kind}-{view.state}-{view.order}"
    tell(connection, sink, kind, view, at, entity="service", mark=mark, changed=changed)
