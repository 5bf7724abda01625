"""What a person decides about a case: accept, ignore until, revert, adopt; and whose case it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("inv_cases") as batch:
        for name in ("owner", "reason", "begun"):
            batch.add_column(sa.Column(name, sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("actions", sa.JSON(), nullable=True))
        for name in ("since", "decided_at", "until"):
            batch.add_column(sa.Column(name, _MOMENT, nullable=True))
        for name in ("decision", "decided_by"):
            batch.add_column(sa.Column(name, sa.String(), nullable=True))
    op.execute(
        "UPDATE inv_cases SET decision = 'accept', decided_by = accepted_by, "
        "decided_at = accepted_at WHERE accepted_by IS NOT NULL"
    )
    # Not in a batch: it would copy the table, and needs no copy to lose a column without index.
    op.drop_column("inv_cases", "accepted_by")
    op.drop_column("inv_cases", "accepted_at")
    op.create_index("ix_inv_cases_id", "inv_cases", ["id"])
