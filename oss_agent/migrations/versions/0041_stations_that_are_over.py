"""What ended of stations is found by when it did, to be forgotten in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("valid_to", "known_to"):
        over = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_inv_stations_{name}",
            "inv_stations",
            [name],
            sqlite_where=over,
            postgresql_where=over,
        )
