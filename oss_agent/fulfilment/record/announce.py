"""Events of orders, products, tasks and services, appended in the unit that changes them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa

from oss_agent.spi import events, orders, views

_K = events.EventKind
_OF_RESOURCES: Final = {
    _K.SERVICE_ORDER_CREATE: _K.RESOURCE_ORDER_CREATE,
    _K.SERVICE_ORDER_STATE: _K.RESOURCE_ORDER_STATE,
    _K.SERVICE_ORDER_CHANGE: _K.RESOURCE_ORDER_CHANGE,
    _K.SERVICE_ORDER_INFORMATION: _K.RESOURCE_ORDER_INFORMATION,
    _K.CANCEL_SERVICE_ORDER_CREATE: _K.CANCEL_RESOURCE_ORDER_CREATE,
    _K.CANCEL_SERVICE_ORDER_STATE: _K.CANCEL_RESOURCE_ORDER_STATE,
}
"""What TMF652 calls the events of its orders."""


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
    mark = f"{view.state}-{number}"
    of_order(connection, sink, kind, view, at, mark=mark, changed=changed)


def of_order(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceOrderView,
    at: datetime,
    *,
    mark: str,
    changed: tuple[str, ...] = (),
) -> None:
    """The same, ``mark`` setting it apart from others of its kind.

    An order of resources is told by the names of TMF652; what that has no event for is not told.
    """
    if not orders.of_resources(view.id):
        mark = f"{kind}-{mark}"
        tell(connection, sink, kind, view, at, entity="serviceOrder", mark=mark, changed=changed)
    elif kind in _OF_RESOURCES:
        kind = _OF_RESOURCES[kind]
        mark = f"{kind}-{mark}"
        tell(connection, sink, kind, view, at, entity="resourceOrder", mark=mark, changed=changed)


def cancellation(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.CancelView,
    at: datetime,
) -> None:
    """Tell that a task came or changed its state; it is in none of them twice."""
    entity = "cancelServiceOrder"
    if orders.of_resources(view.order):
        entity, kind = "cancelResourceOrder", _OF_RESOURCES[kind]
    tell(connection, sink, kind, view, at, entity=entity, mark=f"{kind}-{view.state}")


def service(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    view: views.ServiceView,
    at: datetime,
    changed: tuple[str, ...] = (),
) -> None:
    """Tell that a service came to be, changed its state or ``changed``, by the order that did it.

    A resource by itself is told by the inventory, as every resource is.
    """
    if orders.by_itself(view.id):
        return
    mark = f"{kind}-{view.state}-{view.order}"
    tell(connection, sink, kind, view, at, entity="service", mark=mark, changed=changed)
