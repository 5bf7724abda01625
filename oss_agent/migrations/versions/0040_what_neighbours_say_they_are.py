"""What neighbours say they are is kept, and found by the address that they announce."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("inv_neighbours") as batch:
        for name in ("description", "model", "capabilities"):
            batch.add_column(sa.Column(name, sa.String(), server_default="", nullable=False))
    op.create_index(
        "ix_inv_neighbours_address",
        "inv_neighbours",
        ["address"],
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
