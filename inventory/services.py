"""Decides what a service row says: planned once by its order, then moved from state to state.

A customer-facing service (CFS) and its resource-facing ones (RFS, ``parent`` set) move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory import history, service_states, service_views, tables
from oss_agent import errors
from oss_agent.spi import ledger
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView


def put(connection: sa.Connection, row: ledger.ServiceRow, at: datetime) -> None:
    """Write a planned service (state designed). Idempotent by id.

    Again with other content: its content changes, its state stays. Conflict when the id belongs to
    another tenant.
    """
    before = _current(connection, row.id)
    if before is not None and before["tenant"] != row.tenant:
        raise errors.Conflict(f"service id {row.id} is in use; choose another")
    facts = _content(row) | (_beginning(at) if before is None else {})
    history.put(connection, tables.services, {"id": row.id}, facts, at)
    _put_resources(connection, row, at)


def move(connection: sa.Connection, service: str, state: ServiceState, at: datetime) -> ServiceView:
    """Change a service's state, and its children's with it. Returns the new view.

    Conflict when the move is illegal for it or a child; NotFound when there is no such service.
    """
    for row in _family(connection, service):
        before = ServiceState(row["state"])
        if not service_states.legal(before, state):
            raise errors.Conflict(_illegal(row, state), holder=row["id"])
        if before is not state:
            history.put(connection, tables.services, {"id": row["id"]}, _moved(row, state, at), at)
    return service_views.one(connection, service)


def retire(connection: sa.Connection, service: str, at: datetime) -> None:
    """End the rows of a service that never went live, or is terminated. Safe twice."""
    if _current(connection, service) is None:
        return
    for row in _family(connection, service):
        if ServiceState(row["state"]) not in service_states.RETIRABLE:
            raise errors.Conflict(
                f"service {row['id']} is {row['state']} and cannot leave the inventory; "
                "terminate it by an order first",
                holder=row["id"],
            )
        c = tables.service_resources.c
        history.end(connection, tables.service_resources, c.service == row["id"], at)
        history.end(connection, tables.services, tables.services.c.id == row["id"], at)


def set_status(
    connection: sa.Connection,
    service: str,
    status: OperatingStatus,
    cause: str | None,
    at: datetime,
) -> ServiceView | None:
    """Change operating status and its cause; None when the status already was so."""
    row = _current(connection, service)
    if row is None:
        raise errors.NotFound(f"service {service}")
    if row["operating_status"] == status:
        return None
    facts = {"operating_status": status.value, "cause": cause, "status_since": at}
    history.put(connection, tables.services, {"id": service}, facts, at)
    return service_views.one(connection, service)


def _current(connection: sa.Connection, service: str) -> sa.RowMapping | None:
    c = tables.services.c
    query = sa.select(tables.services).where(history.current(tables.services), c.id == service)
    return connection.execute(query).mappings().first()


def _family(connection: sa.Connection, service: str) -> Sequence[sa.RowMapping]:
    """The service first, then its children by id; NotFound when there is none."""
    c = tables.services.c
    query = (
        sa.select(tables.services)
        .where(history.current(tables.services), sa.or_(c.id == service, c.parent == service))
        .order_by(sa.case((c.id == service, 0), else_=1), c.id)
    )
    rows = connection.execute(query).mappings().all()
    if not rows or rows[0]["id"] != service:
        raise errors.NotFound(f"service {service}")
    return rows


def _content(row: ledger.ServiceRow) -> dict[str, Any]:
    return {
        "tenant": row.tenant,
        "name": row.name,
        "category": row.category,
        "specification_id": row.specification.id,
        "specification_version": row.specification.version,
        "specification_name": row.specification.name,
        "characteristics": dict(row.characteristics),
        "customer": row.customer,
        "order_id": row.order,
        "parent": row.parent,
    }


def _beginning(at: datetime) -> dict[str, Any]:
    return {
        "state": ServiceState.DESIGNED.value,
        "operating_status": service_states.status_in(ServiceState.DESIGNED).value,
        "cause": None,
        "status_since": at,
        "service_date": at,
        "start_date": None,
        "end_date": None,
    }


def _put_resources(connection: sa.Connection, row: ledger.ServiceRow, at: datetime) -> None:
    c = tables.service_resources.c
    wanted = {*row.resources, *row.meters}
    current = sa.select(c.device, c.port).where(
        history.current(tables.service_resources), c.service == row.id
    )
    for device, port in connection.execute(current).all():
        if (device, port) not in wanted:
            which = sa.and_(c.service == row.id, c.device == device, c.port == port)
            history.end(connection, tables.service_resources, which, at)
    for device, port in sorted(wanted):
        key = {"service": row.id, "device": device, "port": port}
        facts = {"tenant": row.tenant, "meter": (device, port) in row.meters}
        history.put(connection, tables.service_resources, key, facts, at)


def _moved(row: Mapping[Any, Any], state: ServiceState, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {"state": state.value}
    status = service_states.status_in(state).value
    if status != row["operating_status"]:
        facts |= {"operating_status": status, "cause": None, "status_since": at}
    if state is ServiceState.ACTIVE and row["start_date"] is None:
        facts["start_date"] = at
    if state is ServiceState.ACTIVE and row["state"] == ServiceState.INACTIVE:
        facts["resumed_at"] = at
    if state is ServiceState.TERMINATED:
        facts["end_date"] = at
    return facts


def _illegal(row: Mapping[Any, Any], state: ServiceState) -> str:
    may = ", ".join(service_states.successors(ServiceState(row["state"]))) or "nothing"
    return (
        f"service {row['id']} is {row['state']} and cannot become {state.value}; "
        f"it may become {may}"
    )
