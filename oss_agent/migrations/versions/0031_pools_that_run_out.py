"""That a pool runs out is kept, so that its alarm ends by itself and no restart raises it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inv_pool_shortages",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_pool_shortages")),
    )
    op.create_index(
        "uq_inv_pool_shortages_current",
        "inv_pool_shortages",
        ["pool"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
