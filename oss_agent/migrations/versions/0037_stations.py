"""What is behind ports, by ARP, neighbour discovery and bridges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inv_stations",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("device", "port", "mac", "address")
        ),
        sa.Column("many", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_stations")),
    )
    op.create_index(
        "uq_inv_stations_current",
        "inv_stations",
        ["device", "port", "mac", "address"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_index("ix_inv_stations_mac", "inv_stations", ["mac"])
    op.create_index("ix_inv_stations_address", "inv_stations", ["address"])
