"""Reads the audit: ``spi.audit.Trail`` over its rows, of one tenant at a time."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent import audit, selecting
from oss_agent.spi import audit as spi_audit
from oss_agent.spi import query, store

_E = audit.ENTRIES.c
_DIGITS: Final = 18
_NEWEST: Final = (query.Sort("number", descending=True),)


def _written(text: str) -> str:
    """A moment as entries have it: text that sorts as time does."""
    return selecting.moment(text).isoformat(timespec="microseconds")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise ValueError("is no number of an entry")
    return int(text)


_SELECTION: Final = selecting.Selection(
    sa.select(audit.ENTRIES),
    _E.tenant,
    {
        "number": selecting.Attribute(_E.number, _number),
        "at": selecting.Attribute(_E.at, _written),
        **selecting.texts({"by": _E.actor, "action": _E.action, "subject": _E.subject}),
    },
    _E.number,
)


class AuditTrail:
    """``spi.audit.Trail``."""

    def __init__(self, rows: store.Store) -> None:
        self._rows = rows

    async def find(self, asked: query.Query) -> query.Page[spi_audit.Entry]:
        """A tenant's entries that match, the newest first. OrderRejected (400)."""
        newest = dataclasses.replace(asked, sort=_NEWEST)
        return await self._rows.read(lambda c: _page(c, newest))


def _page(connection: sa.Connection, asked: query.Query) -> query.Page[spi_audit.Entry]:
    found, total = _SELECTION.page(connection, asked)
    return query.Page(tuple(_entry(row) for row in found.mappings()), total)


def _entry(row: sa.RowMapping) -> spi_audit.Entry:
    return spi_audit.Entry(
        number=row["number"],
        at=datetime.fromisoformat(row["at"]),
        by=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=json.loads(row["detail"]),
    )
