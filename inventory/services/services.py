"""Decides what a service row says: planned once by its order, then moved from state to state.

A customer-facing service (CFS) and its resource-facing ones (RFS, ``parent`` set) move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import service_states, service_views
from oss_agent import errors
from oss_agent.spi import ledger
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView

_C = tables.services.c
_ID: sa.BindParameter[str] = sa.bindparam("at_id")
_CURRENT = sa.select(tables.services).where(history.current(tables.services), _C.id == _ID)
_FAMILY = (
    sa.select(tables.services)
    .where(history.current(tables.services), sa.or_(_C.id == _ID, _C.parent == _ID))
    .order_by(sa.case((_C.id == _ID, 0), else_=1), _C.id)
)
_RESOURCES = sa.select(tables.service_resources).where(
    history.current(tables.service_resources), tables.service_resources.c.service == _ID
)
"""Made once: to build a statement costs several times as much as to run it."""


def put(connection: sa.Connection, row: ledger.ServiceRow, at: datetime) -> None:
    """Write a planned service (state designed). Idempotent by id.

    Again with other content: its content changes, its state stays. Conflict when the id belongs to
    another tenant.
    """
    before = _current(connection, row.id)
    if before is not None and before["tenant"] != row.tenant:
        raise errors.Conflict(f"service id {row.id} is in use; choose another")
    if before is None:
        new = {"id": row.id, **_content(row), **_beginning(at)}
        history.begin(connection, tables.services, new, at)
    elif history.differs(before, _content(row)):
        history.replace(connection, tables.services, [(before, _content(row))], at)
    _put_resources(connection, row, at)


def move(
    connection: sa.Connection,
    service: str,
    state: ServiceState,
    at: datetime,
    order: str | None = None,
) -> ServiceView:
    """Change a service's state, and its children's with it, as the doing of ``order``; the new view.

    Conflict when the move is illegal for it or a child; NotFound when there is no such service.
    """
    family = _family(connection, service)
    for row in family:
        if not service_states.legal(ServiceState(row["state"]), state):
            raise errors.Conflict(_illegal(row, state), holder=row["id"])
    by = {} if order is None else {"order_id": order}
    moved = [(row, _moved(row, state, at) | by) for row in family if row["state"] != state]
    history.replace(connection, tables.services, moved, at)
    return service_views.one(connection, service)


def retire(connection: sa.Connection, service: str, at: datetime) -> None:
    """End the rows of a service that never went live, or is terminated. Safe twice."""
    if _current(connection, service) is None:
        return
    family = _family(connection, service)
    for row in family:
        if ServiceState(row["state"]) not in service_states.RETIRABLE:
            raise errors.Conflict(
                f"service {row['id']} is {row['state']} and cannot leave the inventory; "
                "terminate it by an order first",
                holder=row["id"],
            )
    for row in family:
        there = _resources(connection, row["id"])
        history.end_rows(connection, tables.service_resources, there, at)
    history.end_rows(connection, tables.services, family, at)


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
    history.replace(connection, tables.services, [(row, facts)], at)
    return service_views.one(connection, service)


def _current(connection: sa.Connection, service: str) -> sa.RowMapping | None:
    return connection.execute(_CURRENT, {"at_id": service}).mappings().first()


def _family(connection: sa.Connection, service: str) -> Sequence[sa.RowMapping]:
    """The service first, then its children by id; NotFound when there is none."""
    rows = connection.execute(_FAMILY, {"at_id": service}).mappings().all()
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
    wanted = {
        (device, port): {"tenant": row.tenant, "meter": (device, port) in row.meters}
        for device, port in sorted({*row.resources, *row.meters})
    }
    there = {(one["device"], one["port"]): one for one in _resources(connection, row.id)}
    gone = [one for place, one in there.items() if place not in wanted]
    new = [
        {"service": row.id, "device": place[0], "port": place[1], **facts}
        for place, facts in wanted.items()
        if place not in there
    ]
    changed = [
        (there[place], facts)
        for place, facts in wanted.items()
        if place in there and history.differs(there[place], facts)
    ]
    history.end_rows(connection, tables.service_resources, gone, at)
    history.begin_all(connection, tables.service_resources, new, at)
    history.replace(connection, tables.service_resources, changed, at)


def _resources(connection: sa.Connection, service: str) -> Sequence[sa.RowMapping]:
    return connection.execute(_RESOURCES, {"at_id": service}).mappings().all()


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
