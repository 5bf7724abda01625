"""Decides whether a released value is gone from the devices, and says what showed it.

The CONFIGURED ledger is what was read back from them. A value is gone when nothing that is
configured for its service there mentions it, or when audits after the release read every part that does
and did not find it; until then it rests longer than its quarantine. What looks like the value but is not (a port 1500 beside a VLAN 1500) only makes it rest too long. Where
an adoption found the value on devices that nothing was ever read back is no proof: it is there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.rows import history, tables

_C = tables.configured.c
_NOW = (
    sa.select(_C.device, _C.store, _C.tree)
    .where(history.current(tables.configured), _C.service == sa.bindparam("at_service"))
    .order_by(_C.device, _C.store)
)
_BEFORE = (
    sa.select(_C.device, _C.store, sa.func.max(_C.valid_to))
    .where(_C.service == sa.bindparam("at_service"), _C.known_to.is_(None))
    .group_by(_C.device, _C.store)
    .order_by(_C.device, _C.store)
)
_A = tables.audits.c
_AUDITED = sa.select(_A.device, _A.without).where(
    _A.device.in_(sa.bindparam("devices", expanding=True))
)
FOUND: Final = "found on devices by an adoption"
"""What a claim says in the place of its absence while that is known of its value."""
_TOLD: Final = 4
"""Places that evidence names at most."""
_WORD: Final = re.compile(r"[0-9A-Fa-f.:/]*[0-9][0-9A-Fa-f.:/]*")


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when a released value rests, and in words why."""

    until: datetime
    words: str


def evidence(connection: sa.Connection, row: Mapping[Any, Any], text: str) -> str | None:
    """What shows that no device has a claim's value ``text`` any more; None while nothing does.

    Its key begins with the service's id, up to its first dot.
    """
    service = {"at_service": row["key"].partition(".")[0]}
    rows = connection.execute(_NOW, service).all()
    holding = [row for row in rows if mentions(row.tree, text)]
    if holding:
        return _audited(connection, row["row"], holding)
    if rows:
        return f"read back without it: {_places(rows)}"
    before = connection.execute(_BEFORE, service).all()
    if before:
        return f"read back with nothing of its service: {_places(before)}"
    if row["absence"] == FOUND:
        return None
    return "nothing of its service was ever read back from a device"


def _audited(connection: sa.Connection, claim: int, places: Sequence[Any]) -> str | None:
    """That audits saw each of these places without it."""
    asked = {"devices": [place.device for place in places]}
    seen = {one.device: one.without or {} for one in connection.execute(_AUDITED, asked)}
    if all(claim in seen.get(place.device, {}).get(place.store, ()) for place in places):
        return f"audited and found without it: {_places(places)}"
    return None


def rest(row: Mapping[Any, Any], quarantine: float, unseen: float) -> Rest:
    """How long a released claim keeps its value from others. Pure."""
    released, absence = row["released_at"], row["absence"]
    least = released + timedelta(seconds=quarantine)
    if row["absent_at"] is not None:
        return Rest(least, f"rests until {_stamp(least)}; {absence}")
    most = released + timedelta(seconds=max(quarantine, unseen))
    return Rest(
        most,
        f"rests until {_stamp(most)} by time alone: nobody has seen yet that the devices are "
        "without it",
    )


def mentions(form: Any, text: str) -> bool:
    """Does a tree in its JSON form mention a pool's value anywhere? Pure."""
    meant = _network(text)
    if meant is not None:
        tokens = (token for word in _words(form) for token in _WORD.findall(word))
        return any(_touches(meant, token) for token in tokens)
    pattern = re.compile(rf"(?<![0-9]){re.escape(text)}(?![0-9])")
    return any(pattern.search(word) for word in _words(form))


def _touches(meant: ipaddress.IPv4Network | ipaddress.IPv6Network, token: str) -> bool:
    found = _network(token)
    if found is None or found.version != meant.version:
        return False
    return ipaddress.ip_address(found.network_address) in meant or found == meant


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An address or prefix as it lies in a configuration; of ``192.0.2.1/24`` the address."""
    if "." not in text and ":" not in text:
        return None
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return None
    whole = found.ip == found.network.network_address
    return found.network if whole else ipaddress.ip_network(found.ip)


def _words(form: Any) -> Iterator[str]:
    """Every text in it: names and keys too, for an interface may be called ``vxlan10100``."""
    if isinstance(form, str):
        yield form
        return
    inside = form.values() if isinstance(form, Mapping) else form
    for one in inside:
        yield from _words(one)


def _places(rows: Sequence[Any]) -> str:
    names = [f"{row[0]} ({row[1]})" for row in rows]
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
