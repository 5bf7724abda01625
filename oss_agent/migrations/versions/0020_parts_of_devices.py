"""What a device is built of: chassis, cards, optics, power supplies, each with its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)
_TEXTS = ("device", "place", "kind", "name")
_MORE = ("description", "maker", "model", "serial", "hardware", "firmware", "software")


def upgrade() -> None:
    op.create_table(
        "inv_components",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        sa.Column("parent", sa.String(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in _MORE),
        sa.Column("replaceable", sa.Boolean(), nullable=True),
        sa.Column("interface", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_components")),
    )
    for name, columns, unique in (
        ("uq_inv_components_current", ["device", "place"], True),
        ("ix_inv_components_serial", ["serial"], False),
    ):
        op.create_index(
            name,
            "inv_components",
            columns,
            unique=unique,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        )
