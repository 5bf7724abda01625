"""Decides how documents are stored, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


class Json(sa.TypeDecorator[Any]):
    """A small document: plain JSON types in and out; Python's None is SQL's NULL."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True
