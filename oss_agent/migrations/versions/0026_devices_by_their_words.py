"""Devices and neighbours found by what they are called: a plan read every device's identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("inv_devices") as batch:
        batch.add_column(sa.Column("folded", sa.String(), server_default="", nullable=False))
    op.create_table(
        "inv_device_words",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("device", "word", name=op.f("pk_inv_device_words")),
    )
    op.create_index("ix_inv_device_words_word", "inv_device_words", ["word"])
    _fold()
    _index("inv_devices", "folded")
    _index("inv_devices", "address")
    _index("inv_links", "z_device")
    _index("inv_neighbours", "chassis")
    _index("inv_neighbours", "system_name")


def _index(table: str, column: str) -> None:
    op.create_index(
        f"ix_{table}_{column}",
        table,
        [column],
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )


def _fold() -> None:
    """Folded here: databases fold letters each in their own way."""
    bind = op.get_bind()
    devices = _table(bind, "inv_devices")
    # By row: versions have no index by name, and each name would read all of them.
    bind.execute(sa.update(devices).values(folded=devices.c.name))
    rows = bind.execute(sa.select(devices.c.row, devices.c.name)).all()
    unlike = [
        {"at_row": row.row, "word": row.name.casefold()}
        for row in rows
        if row.name != row.name.casefold()
    ]
    if unlike:
        mine = sa.update(devices).where(devices.c.row == sa.bindparam("at_row"))
        bind.execute(mine.values(folded=sa.bindparam("word")), unlike)
    states = _table(bind, "inv_device_states")
    current = (states.c.valid_to.is_(None), states.c.known_to.is_(None))
    words = [
        {"device": row["device"], "word": word, "tenant": row["tenant"]}
        for row in bind.execute(sa.select(states).where(*current)).mappings()
        for word in _words(row)
    ]
    if words:
        bind.execute(sa.insert(_table(bind, "inv_device_words")), words)


def _words(row: Mapping[Any, Any]) -> list[str]:
    said = (row["system_name"], *(row["called"] or ()))
    return sorted({word.casefold() for word in said if word})


def _table(bind: sa.Connection, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=bind)
