"""An alarm that cleared is told as AlarmStateChangeEvent: ClearAlarmsCreateEvent is about a task."""

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
