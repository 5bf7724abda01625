"""A cleared alarm is told as AlarmStateChangeEvent; what is due is found by an index of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EVENTS = sa.table("out_event", sa.column("kind", sa.String))


def upgrade() -> None:
    op.execute(
        sa.update(_EVENTS)
        .where(_EVENTS.c.kind == "ClearAlarmsCreateEvent")
        .values(kind="AlarmStateChangeEvent")
    )
    op.create_index(
        "out_delivery_next",
        "out_delivery",
        ["receiver", "event"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
