"""A neighbour that is not heard any more is missed first; ports have labels, devices what they are called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("inv_neighbours") as batch:
        batch.add_column(sa.Column("address", sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("heard_until", _MOMENT, nullable=True))
    with op.batch_alter_table("inv_device_states") as batch:
        batch.add_column(sa.Column("called", sa.JSON(), nullable=True))
    with op.batch_alter_table("inv_sightings") as batch:
        batch.add_column(sa.Column("readings", sa.JSON(), nullable=True))
    _add_labels()


def _add_labels() -> None:
    op.create_table(
        "inv_port_labels",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("port", sa.String(), nullable=False),
        sa.Column("lldp_id", sa.String(), nullable=True),
        sa.Column("bundle", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_port_labels")),
    )
    op.create_index(
        "uq_inv_port_labels_current",
        "inv_port_labels",
        ["device", "port"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
