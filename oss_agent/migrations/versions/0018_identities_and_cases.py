"""Ports keep their identity through renames; what a person should look at is a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("inv_interfaces") as batch:
        batch.add_column(sa.Column("descr", sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("place", sa.String(), nullable=True))
        batch.add_column(sa.Column("identity", sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("missing_since", _MOMENT, nullable=True))
    op.create_index("ix_inv_interfaces_identity", "inv_interfaces", ["device", "identity"])
    with op.batch_alter_table("inv_device_states") as batch:
        batch.add_column(sa.Column("serials", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("engine_id", sa.String(), nullable=True))
    for name in ("chassis", "engine_id"):
        op.create_index(
            f"ix_inv_device_states_{name}",
            "inv_device_states",
            [name],
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        )
    with op.batch_alter_table("inv_sightings") as batch:
        batch.add_column(sa.Column("ports_at", _MOMENT, nullable=True))
        batch.add_column(sa.Column("uptime", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("stirred_at", _MOMENT, nullable=True))
    with op.batch_alter_table("inv_service_resources") as batch:
        batch.add_column(sa.Column("formerly", sa.String(), nullable=True))
    _add_cases()


def _add_cases() -> None:
    op.create_table(
        "inv_cases",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT, nullable=True),
        sa.Column("known_from", _MOMENT, nullable=False),
        sa.Column("known_to", _MOMENT, nullable=True),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("id", "device", "subject", "kind", "evidence", "text", "cause", "action")
        ),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("accepted_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_inv_cases")),
    )
    for name, columns, unique in (
        ("uq_inv_cases_current", ["tenant", "id"], True),
        ("ix_inv_cases_device", ["device", "kind"], False),
    ):
        op.create_index(
            name,
            "inv_cases",
            columns,
            unique=unique,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        )
