"""The only metadata that fulfilment's rows are in, and how they hold a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import String

from oss_agent.spi import clock

METADATA = sa.MetaData()


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time as RFC 3339 text in milliseconds: sorts and compares alike everywhere.

    The same precision as on the wire, so that a filter on a date that we showed finds its row.
    DateTime(timezone=True) was not taken because SQLite drops the zone.
    """

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        """Aware datetime to text."""
        del dialect
        return None if value is None else clock.rfc3339(value.astimezone(UTC))

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        """Text to aware datetime."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)
