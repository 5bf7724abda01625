"""Who did what, when: rows that are only ever added, each sealed by a digest over the one before.

The database itself refuses to change or delete them (triggers of the first migration); the chain
shows it when somebody did so all the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, Named, String, TypedColumns

METADATA: Final = sa.MetaData()

_FIRST: Final = "0" * 64
_SEALED: Final = ("tenant", "at", "actor", "action", "subject", "detail")
_LOCK: Final = 0x0A0D17


class EntryColumns(TypedColumns):
    """``at`` is RFC 3339 text, and ``detail`` canonical JSON text, as they were digested."""

    number = Column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    tenant: Named[str] = Column(String(255))
    at: Named[str] = Column(String(32))
    actor: Named[str] = Column(String(255))
    action: Named[str] = Column(String(64))
    subject: Named[str] = Column(String(255))
    detail: Named[str] = Column(sa.Text)
    digest: Named[str] = Column(String(64))


ENTRIES: Final = sa.Table(
    "aud_entry", METADATA, EntryColumns, sa.Index("ix_aud_entry_action", "action", "number")
)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """``actor`` did ``action`` to ``subject`` (``device:pe1``); ``detail`` is JSON, no secrets."""

    tenant: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])


def append(connection: sa.Connection, entry: Entry) -> None:
    """Add an entry inside the unit of what it tells."""
    if connection.dialect.name == "postgresql":
        # two nodes must not seal over the same predecessor; held to the end of the transaction
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    newest = sa.select(ENTRIES.c.digest).order_by(ENTRIES.c.number.desc()).limit(1)
    before = connection.execute(newest).scalar_one_or_none() or _FIRST
    values = {
        "tenant": entry.tenant,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": _canonical(entry.detail),
    }
    connection.execute(ENTRIES.insert().values(**values, digest=_seal(before, values)))


def verify(connection: sa.Connection) -> int | None:
    """The number of the first entry that is not as it was written, None when all are.

    Entries cut off at the end cannot be seen here: compare the newest digest with a copy elsewhere.
    """
    before = _FIRST
    everything = sa.select(ENTRIES).order_by(ENTRIES.c.number)
    for row in connection.execute(everything).mappings():
        values = {name: row[name] for name in _SEALED}
        before = _seal(before, values)
        if before != row["digest"]:
            return int(row["number"])
    return None


def _seal(before: str, values: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{before}{_canonical(values)}".encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
