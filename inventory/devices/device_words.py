"""Decides which devices a heard identity may be, found by index: what is read does not grow with them.

A chassis id and an address are found in the rows that say them, a device's name folded beside it.
What a device calls itself is a list; its words are kept in a table of their own, written with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from inventory.rows import history, tables

MOST: Final = 10_000
"""Values named in one question; databases take few more, and to read all is then quicker anyway."""
_D, _S, _W = tables.devices.c, tables.device_states.c, tables.device_words.c
_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_CHASSIS: sa.BindParameter[str] = sa.bindparam("at_chassis", expanding=True)
_ADDRESSES: sa.BindParameter[str] = sa.bindparam("at_addresses", expanding=True)
_WORDS: sa.BindParameter[str] = sa.bindparam("at_words", expanding=True)
_OWN = sa.and_(history.current(tables.devices), _D.tenant == _TENANT)
_NEAR = sa.union(
    sa.select(_S.device).where(history.current(tables.device_states), _S.chassis.in_(_CHASSIS)),
    sa.select(_D.name).where(_OWN, _D.address.in_(_ADDRESSES)),
    sa.select(_D.name).where(_OWN, _D.folded.in_(_WORDS)),
    sa.select(_W.device).where(_W.tenant == _TENANT, _W.word.in_(_WORDS)),
)
_SAID = sa.select(_S.system_name, _S.called).where(
    history.current(tables.device_states), _S.device == sa.bindparam("at_device")
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Identities as neighbours said them: chassis ids, addresses, and folded names."""

    chassis: Collection[str]
    addresses: Collection[str]
    words: Collection[str]

    def __len__(self) -> int:
        return len(self.chassis) + len(self.addresses) + len(self.words)


def of(row: Any) -> set[str]:
    """What a device is called, by us and by itself."""
    return {row["name"], *_own(row)}


def _own(row: Mapping[Any, Any]) -> set[str]:
    return {word for word in (row["system_name"], *(row["called"] or ())) if word}


def near(connection: sa.Connection, tenant: str, heard: Heard) -> set[str] | None:
    """Devices that these identities may be, perhaps another tenant's; None: too many to ask for."""
    if len(heard) > MOST:
        return None
    asked = {
        "at_tenant": tenant,
        "at_chassis": list(heard.chassis),
        "at_addresses": list(heard.addresses),
        "at_words": list(heard.words),
    }
    return set(connection.execute(_NEAR, asked).scalars())


def keep(connection: sa.Connection, tenant: str, device: str) -> None:
    """The words of what a device now says of itself; to be called when that changes."""
    said = connection.execute(_SAID, {"at_device": device}).mappings().one()
    words = sorted({word.casefold() for word in _own(said)})
    connection.execute(sa.delete(tables.device_words).where(_W.device == device))
    rows = [{"device": device, "word": word, "tenant": tenant} for word in words]
    if rows:
        connection.execute(sa.insert(tables.device_words), rows)
