"""What a person chose for one order about edits by hand in its service's own part.

The service's specification has the rule; who looked at an edit may choose otherwise for the order
that meets it. It goes alone then: the choice is not made for others that one commit would carry.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment.record import codec, order_rows, states, tables
from oss_agent.spi import catalogue

_CHOSEN = sa.select(tables.transaction.c.by_hand).where(
    tables.transaction.c.id == sa.bindparam("at_id")
)
"""Made once: every transaction asks it."""


def choose(
    connection: sa.Connection,
    *,
    tenant: str,
    order: str,
    policy: catalogue.OutOfBand,
    by: str,
    at: datetime,
) -> tuple[str, ...]:
    """Set it on the items that wait, and let them look now (not before their date); the items' ids.

    NotFound when no item of such an order waits: what runs has chosen, what is closed is closed.
    """
    of = tables.transaction
    waits = (states.Stage.WAITING, states.Stage.QUEUED)
    mine = sa.and_(of.c.tenant == tenant, of.c.order_id == order, of.c.stage.in_(waits))
    rows = connection.execute(of.select().where(mine).order_by(of.c.position)).all()
    if not rows:
        raise errors.NotFound(f"an item of order {ascii(order)[:40]} that waits")
    for row in rows:
        # What is decided already and waits for a person is settled by its design.
        made = None if row.design is None else codec.design_from_json(row.design)
        changed = None if made is None else dataclasses.replace(made, by_hand=policy)
        design = None if changed is None else codec.design_to_json(changed)
        values = {"by_hand": policy, "group_limit": 1, "design": design}
        connection.execute(of.update().where(of.c.id == row.id).values(**values))
    order_rows.note(
        connection,
        order=order,
        tenant=tenant,
        at=at,
        text=_told(by, policy),
    )
    asleep = sa.and_(mine, of.c.wait_kind != states.WaitKind.START)
    connection.execute(of.update().where(asleep).values(wake_at=at))
    return tuple(order_rows.request_of(connection, order, row.position).id for row in rows)


def _told(by: str, policy: catalogue.OutOfBand) -> str:
    if policy is catalogue.OutOfBand.AS_IS:
        return "an adoption: what is there becomes the service as it is, nothing is sent"
    return f"{by} chose what becomes of edits by hand: {policy}"


def refuse_of_adoption(
    connection: sa.Connection, tenant: str, order: str, policy: catalogue.OutOfBand
) -> None:
    """An adoption is one from its acceptance to its end: it was told that nothing is sent for it."""
    of = tables.transaction.c
    mine = sa.and_(of.order_id == order, of.tenant == tenant)
    stands = set(connection.execute(sa.select(of.by_hand).where(mine)).scalars())
    if catalogue.OutOfBand.AS_IS in {policy, *stands}:
        raise errors.OrderRejected(
            "an order is an adoption from the start, and nothing else then: send another order",
            field="policy",
            status=409,
            code="invalidState",
        )


def chosen(connection: sa.Connection, transaction: str) -> catalogue.OutOfBand | None:
    """What was chosen for a transaction; None when its specification decides."""
    found = connection.execute(_CHOSEN, {"at_id": transaction}).scalar_one_or_none()
    return None if found is None else catalogue.OutOfBand(found)
