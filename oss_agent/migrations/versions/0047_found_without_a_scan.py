"""Cases by what they began, values by when they were released, the last start: each read a whole table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_CURRENT = "valid_to IS NULL AND known_to IS NULL"
_UNSEEN = f"{_CURRENT} AND released_at IS NOT NULL AND absent_at IS NULL"


def upgrade() -> None:
    for name, table, column, where in (
        ("ix_inv_cases_begun", "inv_cases", "begun", _CURRENT),
        ("ix_inv_pool_claims_unseen", "inv_pool_claims", "released_at", _UNSEEN),
    ):
        op.create_index(
            name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )
    op.create_index("ix_aud_entry_action", "aud_entry", ["action", "number"])
