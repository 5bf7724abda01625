"""The only functions that write service tests; each change of state is told in the same unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment.record import (
    announce,
    evidence_rows,
    order_rows,
    service_test_tables,
    states,
    tables,
)
from oss_agent.spi import events, orders, service_tests, views
from oss_agent.spi.service_tests import Mode, ServiceTestState, ServiceTestView

TABLE: Final = service_test_tables.service_test
_NUMBERED: Final = "service test"
ITSELF: Final = "oss-agent"
"""Who asks for the proof at turn-up."""
_INSERT: Final = inserting.Insert(TABLE)
_ROW: Final = TABLE.select().where(TABLE.c.id == sa.bindparam("at_key"))
_OF_ITEM: Final = tables.item.select().where(
    tables.item.c.order_id == sa.bindparam("at_order"),
    tables.item.c.position == sa.bindparam("at_position"),
)
"""Made once: to build a statement costs several times as much as to run it."""


def proved(
    connection: sa.Connection,
    sink: events.EventSink,
    transaction: states.Transaction,
    *,
    passed: bool,
    at: datetime,
) -> None:
    """The vote's evidence of one attempt as a test that has ended. Once, however often it is told."""
    if orders.of_resources(transaction.order):
        return  # nothing is tested but a service
    key = f"{transaction.id}.{transaction.attempt}"
    if connection.execute(_ROW, {"at_key": key}).first() is not None:
        return
    kept = evidence_rows.own(connection, [transaction.id])
    seen = kept.get((transaction.id, transaction.attempt), ())
    if not seen:
        return
    _insert(
        connection,
        id=key,
        number=order_rows.next_number(connection, _NUMBERED),
        tenant=transaction.tenant,
        mode=Mode.PROACTIVE,
        state=ServiceTestState.COMPLETED if passed else ServiceTestState.FAILED,
        **_of_item(connection, transaction),
        asked_by=ITSELF,
        asked_at=at,
        start=min(one.at for one in seen),
        end=at,
        order_id=transaction.order,
        evidence_of=transaction.id,
        attempt=transaction.attempt,
        extra={},
    )
    _tell(connection, sink, events.EventKind.SERVICE_TEST_CREATE, key, at)


def _of_item(connection: sa.Connection, transaction: states.Transaction) -> dict[str, Any]:
    """What it is a test of, and so what it is called."""
    mine = {"at_order": transaction.order, "at_position": transaction.position}
    row = connection.execute(_OF_ITEM, mine).one()
    return {
        "name": f"{row.action} of {row.service_name}",
        "service_id": row.service_id,
        "service_name": row.service_name,
        "specification_id": row.specification_id,
        "specification_version": row.specification_version,
        "specification_name": row.specification_name,
    }


def ask(
    connection: sa.Connection,
    sink: events.EventSink,
    wish: service_tests.ServiceTestRequest,
    service: views.ServiceView,
    at: datetime,
) -> ServiceTestView:
    """Store a test that somebody wants."""
    number = order_rows.next_number(connection, _NUMBERED)
    key = f"t{number}"
    _insert(
        connection,
        id=key,
        number=number,
        tenant=wish.tenant,
        name=wish.name,
        description=wish.description,
        mode=Mode.ON_DEMAND,
        state=ServiceTestState.ACKNOWLEDGED,
        service_id=service.id,
        service_name=service.name,
        specification_id=service.specification.id,
        specification_version=service.specification.version,
        specification_name=service.specification.name,
        asked_by=wish.asked_by,
        asked_at=at,
        evidence_of=key,
        attempt=0,
        extra=dict(wish.extra),
    )
    return _tell(connection, sink, events.EventKind.SERVICE_TEST_CREATE, key, at)


def move(
    connection: sa.Connection,
    sink: events.EventSink,
    key: str,
    state: ServiceTestState,
    at: datetime,
    **columns: Any,
) -> None:
    """Move a test; nothing when it is there already, so that a start may find it half done."""
    mine = TABLE.c.id == key, TABLE.c.state != state
    moved = connection.execute(TABLE.update().where(*mine).values(state=state, **columns))
    if moved.rowcount:
        _tell(connection, sink, events.EventKind.SERVICE_TEST_STATE, key, at)


@dataclasses.dataclass(frozen=True, slots=True)
class Open:
    """A test that has not ended."""

    id: str
    tenant: str
    service: str


def open_ones(connection: sa.Connection) -> tuple[Open, ...]:
    """Tests that have not ended, oldest first."""
    c = TABLE.c
    asked = sa.select(c.id, c.tenant, c.service_id).where(
        c.state.in_((ServiceTestState.ACKNOWLEDGED, ServiceTestState.IN_PROGRESS))
    )
    return tuple(Open(*row) for row in connection.execute(asked.order_by(c.number)))


def views_of(
    connection: sa.Connection, rows: Sequence[sa.RowMapping]
) -> tuple[ServiceTestView, ...]:
    """Rows as views, in the same order; two statements, however many."""
    seen = evidence_rows.own(connection, {row["evidence_of"] for row in rows})
    return tuple(_view(row, seen.get((row["evidence_of"], row["attempt"]), ())) for row in rows)


def _insert(connection: sa.Connection, **columns: Any) -> None:
    _INSERT.one(connection, columns)


def _tell(
    connection: sa.Connection,
    sink: events.EventSink,
    kind: events.EventKind,
    key: str,
    at: datetime,
) -> ServiceTestView:
    row = connection.execute(_ROW, {"at_key": key}).mappings().one()
    (view,) = views_of(connection, [row])
    # A transcript may be large and is kept once; its digest says whether it is the same.
    brief = tuple(dataclasses.replace(one, transcript="") for one in view.measures)
    told = dataclasses.replace(view, measures=brief)
    announce.tell(
        connection, sink, kind, told, at, entity="serviceTest", mark=f"{kind}-{view.state}"
    )
    return view


def _view(row: sa.RowMapping, seen: tuple[views.EvidenceView, ...]) -> ServiceTestView:
    return ServiceTestView(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        mode=Mode(row["mode"]),
        state=ServiceTestState(row["state"]),
        service=row["service_id"],
        service_name=row["service_name"],
        specification=views.SpecificationRef(
            row["specification_id"], row["specification_version"], row["specification_name"]
        ),
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        description=row["description"],
        start=row["start"],
        end=row["end"],
        order=row["order_id"],
        reason=row["reason"],
        measures=seen,
        extra=row["extra"],
    )
