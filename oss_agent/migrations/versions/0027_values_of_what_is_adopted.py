"""The values of pools that an adopted service has already, beside what its item asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ord_item", sa.Column("claims", sa.JSON(none_as_null=True), nullable=True))
