"""How a room's own column types are written in a migration: as what the database stores.

A migration must keep its meaning when the room changes or drops its type.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext


def as_stored(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Alembic's ``render_item`` hook; False leaves the item to Alembic."""
    del context
    if kind == "type" and isinstance(item, sa.TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False
