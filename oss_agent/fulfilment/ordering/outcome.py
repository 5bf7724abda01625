"""What a completed item leaves in the inventory: whose the nodes are, the service, what is free again.

It is written in the unit that completes the item, and only then: until the network is as ordered
and proven, a modified service is told as it was.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import claims, design, intents, service_rows
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import announce, states
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import catalogue, events, orders, views
from oss_agent.spi.tree import EMPTY, Operation, Tree, path_text


def record(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    at: datetime,
) -> None:
    """Ownership, the configured ledger, the service and what it holds, as the item's action says."""
    service = item.service_id or ""
    has = p.ledger.configured(connection, service)
    for one in intents.of(connection, transaction):
        was = has.get((one.device, one.store), EMPTY)
        _own(connection, p, transaction, service, one, was, at)
    if item.action is views.ItemAction.DELETE:
        _terminate(connection, p, transaction, service, at)
    elif item.action is views.ItemAction.MODIFY and transaction.design is not None:
        _amend(connection, p, transaction, service, transaction.design, at)
    else:
        _activate(connection, p, service, at)


def _own(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    intended: intents.Intended,
    was: Tree,
    at: datetime,
) -> None:
    device, store = intended.device, intended.store
    p.ledger.own(
        connection,
        service=service,
        order=transaction.order,
        device=device,
        store=store,
        paths=[path_text(path) for path in tree.nodes(intended.own)],
        changed=_changed(was, intended.own),
        at=at,
    )
    # What was read back equals the target, and this is our part of it.
    p.ledger.record_configured(
        connection, device=device, store=store, service=service, tree=intended.own, at=at
    )


def _changed(was: Tree, own: Tree) -> list[str]:
    edits = tree.diff(was, own)
    return [path_text(edit.path) for edit in edits if edit.operation is Operation.REPLACE]


def _activate(connection: sa.Connection, p: parts.Parts, service: str, at: datetime) -> None:
    view = p.ledger.move_service(
        connection, service=service, state=views.ServiceState.ACTIVE, at=at
    )
    for kind in (events.EventKind.SERVICE_CREATE, events.EventKind.SERVICE_STATE):
        announce.service(connection, p.events, kind, view, at)


def _amend(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    made: catalogue.Design,
    at: datetime,
) -> None:
    claims.settle(connection, p, transaction, service, made.pools, at)
    p.ledger.free_ports(connection, service=service, keep=design.ports(made), at=at)
    before = service_rows.known(connection, p, transaction, service)
    view = service_rows.amend(connection, p, transaction, service, made, at)
    moved = view.state is not before.state
    if moved:
        announce.service(connection, p.events, events.EventKind.SERVICE_STATE, view, at)
    changed = _differing(before, view)
    if not moved or set(changed) != {_ATTRIBUTES["order"]}:
        kind = events.EventKind.SERVICE_CHANGE
        announce.service(connection, p.events, kind, view, at, changed)


_ATTRIBUTES: Final = {
    "specification": "serviceSpecification",
    "characteristics": "serviceCharacteristic",
    "supporting_services": "supportingService",
    "supporting_resources": "supportingResource",
    "order": "relatedEntity",
}
"""What a modify may change, by the names of TMF638."""


def _differing(before: views.ServiceView, after: views.ServiceView) -> tuple[str, ...]:
    """Which attributes of a service are another now."""
    return tuple(
        name
        for field, name in _ATTRIBUTES.items()
        if getattr(before, field) != getattr(after, field)
    )


def _terminate(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    at: datetime,
) -> None:
    conclude.give_back(connection, p, transaction, service, at)
    view = p.ledger.move_service(
        connection,
        service=service,
        state=views.ServiceState.TERMINATED,
        at=at,
        order=transaction.order,
    )
    announce.service(connection, p.events, events.EventKind.SERVICE_STATE, view, at)
