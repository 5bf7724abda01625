"""Decides how a configuration's text lies in the database: once, by its digest, and small."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from inventory.rows import tables
from oss_agent import inserting

_T, _B = tables.backup_texts, tables.backups
_INSERT = inserting.Insert(_T, once="digest")
_IN_THREAD: Final = 64 * 1024
"""Bytes above which packing would hold the loop for a millisecond and more."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A text, ready to be written."""

    digest: str
    size: int
    packed: bytes


async def pack(text: str) -> Packed:
    """Digest and compress; beside the loop when it is long."""
    if len(text) > _IN_THREAD:
        return await asyncio.to_thread(_packed, text)
    return _packed(text)


def _packed(text: str) -> Packed:
    data = text.encode("utf-8", "replace")
    return Packed(hashlib.sha256(data).hexdigest(), len(data), zlib.compress(data))


def put(connection: sa.Connection, one: Packed) -> None:
    """Keep it, unless it is kept."""
    _INSERT.one(connection, {"digest": one.digest, "size": one.size, "packed": one.packed})


def get(connection: sa.Connection, digest: str) -> str:
    """The text again."""
    packed = connection.execute(sa.select(_T.c.packed).where(_T.c.digest == digest)).scalar_one()
    return zlib.decompress(packed).decode("utf-8")


def drop_unused(connection: sa.Connection, digests: Collection[str]) -> None:
    """Of these texts those that no version has any more are gone."""
    used = sa.select(_B.c.digest).where(_B.c.digest == _T.c.digest).exists()
    connection.execute(sa.delete(_T).where(_T.c.digest.in_(list(digests)), sa.not_(used)))
