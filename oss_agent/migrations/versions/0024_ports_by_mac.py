"""Ports found by their MAC address: a neighbour may call itself by a port's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_inv_interfaces_mac",
        "inv_interfaces",
        ["mac"],
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
