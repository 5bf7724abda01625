"""Changes a table's primary key, which the comparison with the rooms' tables does not see.

A revision that adds a key column calls ``rekey`` after it, by hand; a test compares the keys.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from alembic import op
from sqlalchemy import exc


def rekey(table: str, columns: Sequence[str]) -> None:
    """Give ``table`` this primary key; SQLite makes the table anew, with its rows."""
    name = f"{table}_pkey"
    if op.get_bind().dialect.name == "sqlite":
        with warnings.catch_warnings():
            # The table as it was has another key than the one that is asked for: that is the point.
            warnings.simplefilter("ignore", exc.SAWarning)
            with op.batch_alter_table(table, recreate="always") as batch:
                batch.create_primary_key(name, list(columns))
        return
    op.drop_constraint(name, table, type_="primary")
    op.create_primary_key(name, table, list(columns))
