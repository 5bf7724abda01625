"""What an item's end does to its order, service, claims, leases and events, inside one unit."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import claims, design
from oss_agent.fulfilment.ordering import product_outcome
from oss_agent.fulfilment.record import (
    dependencies,
    journal,
    life_cycle,
    order_moves,
    order_rows,
    precedence,
    resource_orders,
    states,
)
from oss_agent.fulfilment.turn import cancels, leases
from oss_agent.spi import orders, views


def move_item(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    state: views.OrderState,
    at: datetime,
    error: views.ErrorView | None = None,
) -> None:
    """Move an item, and its order with it; the order's change is told in the same unit.

    While its cancellation is assessed or carried out, the order shows that instead.
    """
    order = transaction.order
    order_rows.set_item(connection, order, transaction.position, state=state, error=error)
    if error is not None and state.final:
        order_rows.set_order(connection, order, error=error)
    product_outcome.follow(connection, p, order, transaction.position, at)
    if state.final:
        dependencies.wake(connection, order, [transaction.position], at)
    row = order_rows.row_of(connection, order)
    before = views.OrderState(row.state)
    derived = life_cycle.derive(order_rows.working_states(connection, order))
    after = life_cycle.onward(derived, begun=row.start_date is not None)
    if before is views.OrderState.PENDING_CANCELLATION:
        if after.final:
            cancels.done(connection, p, order, order_rows.endings(connection, order), at)
        return
    if before is views.OrderState.ASSESSING_CANCELLATION:
        if not after.final:
            order_rows.set_order(connection, order, state_before=after)
            return
        cancels.refuse_open(connection, p, order, at)
    order_moves.move(connection, p.events, order, after, at)


def without_change(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    state: views.OrderState,
    error: views.ErrorView,
) -> None:
    """End an item whose network is as before: rejected, failed or cancelled.

    What it had reserved goes back; a service that never lived leaves the inventory, one that was
    to be modified stays as it was. What ends in an order that is being cancelled is cancelled.
    """
    if cancels.flagged(connection, transaction):
        state = views.OrderState.CANCELLED
    request = order_rows.request_of(connection, transaction.order, transaction.position)
    service = request.service_id or ""
    if request.action is views.ItemAction.ADD:
        give_back(connection, p, transaction, service, error.at)
        p.ledger.retire_service(connection, service=service, at=error.at)
    if request.action is views.ItemAction.MODIFY:
        _give_back_beyond(connection, p, transaction, service, error.at)
    _end_resource_orders(connection, transaction, state, error)
    say(connection, transaction, error.at, f"{state}: {error.message}")
    move_item(connection, p, transaction, state, error.at, error)
    close(connection, transaction, error.at)


def give_back(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    at: datetime,
) -> None:
    """Release pool values and ports of a service. Safe twice."""
    claims.give_back_all(connection, p, service, at)
    p.ledger.free_ports(connection, service=service, at=at)
    what = "resource" if orders.by_itself(service) else "service"
    say(connection, transaction, at, f"ports and pool values of {what} {service} given back")


def _give_back_beyond(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    at: datetime,
) -> None:
    """What a modify took beyond what its service has; the service stays as it stands.

    Another modify of it may be on its way: what that one took stays taken.
    """
    built = design.last_built(connection, transaction.tenant, service)
    if built is None:
        return
    claims.give_back_of(connection, p, transaction, at)
    p.ledger.free_ports(
        connection, service=service, order=transaction.order, keep=design.ports(built), at=at
    )


def close(connection: sa.Connection, transaction: states.Transaction, at: datetime) -> None:
    """No run will touch this transaction again; its leases are free, and its turn is over."""
    journal.update(
        connection,
        transaction,
        stage=states.Stage.CLOSED,
        closed_at=at,
        **journal.wait_columns(None),
    )
    leases.release(connection, transaction.id, at)
    precedence.wake(connection, transaction, at)


def say(
    connection: sa.Connection, transaction: states.Transaction, at: datetime, text: str
) -> None:
    """A sentence in the order's history."""
    order_rows.note(
        connection,
        order=transaction.order,
        tenant=transaction.tenant,
        at=at,
        text=text,
        transaction=transaction.id,
    )


def _end_resource_orders(
    connection: sa.Connection,
    transaction: states.Transaction,
    state: views.OrderState,
    error: views.ErrorView,
) -> None:
    """The culprit's resource order failed, the others were cancelled with it."""
    devices = resource_orders.devices(connection, transaction.id)
    culprits = {error.reference} & set(devices) or set(devices)
    ended = [
        resource_orders.Move(name, state if name in culprits else views.OrderState.CANCELLED)
        for name in devices
    ]
    resource_orders.move(connection, transaction.id, ended, error.at)
