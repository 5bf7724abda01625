"""Decides how VLANs and VRFs, and what is around them, are related (TMF639).

One is contained in its device, applies to the ports that it has (``appliesTo``, as what was ordered by
itself), and supports services. A device contains them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from inventory.facts import logical_facts
from inventory.rows import history, tables
from inventory.services import resource_rows, service_logicals
from oss_agent.spi.moments import AsOf

_C = tables.logical.c
_OF_DEVICES, _OF_DEVICES_THEN = (
    sa.select(_C.device, resource_rows.logical_id())
    .where(
        held(tables.logical),
        _C.kind.in_(logical_facts.RESOURCES),
        _C.device.in_(sa.bindparam("devices", expanding=True)),
    )
    .order_by(_C.device, _C.kind, _C.name)
    for held in (history.current, history.then)
)
"""Made once: to build a statement costs several times as much as to run it."""
_PORTS: Final = ("tagged", "untagged", "ports")
"""Attributes that name ports."""


def around(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], when: AsOf | None = None
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """(relationship, other resource's id) by resource id, for devices, VLANs and VRFs."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    devices = [row["id"] for row in rows if row["category"] == resource_rows.DEVICE]
    if devices:
        of_devices = _OF_DEVICES if when is None else _OF_DEVICES_THEN
        asked = {"devices": devices, **history.moment(when)}
        for device, key in connection.execute(of_devices, asked):
            found[device].append(("contains", key))
    mine = [row for row in rows if _is_one(row)]
    for_whom = service_logicals.of_resources(connection, mine, when)
    for row in mine:
        contained = ("isContainedIn", row["device"])
        found[row["id"]] = [contained, *_applied(row), *for_whom.get(row["id"], ())]
    return found


def _is_one(row: Mapping[Any, Any]) -> bool:
    return row["category"] == resource_rows.LOGICAL and row["kind"] in logical_facts.RESOURCES


def _applied(row: Mapping[Any, Any]) -> list[tuple[str, str]]:
    said = row["said"] or {}
    ports = dict.fromkeys(port for name in _PORTS for port in said.get(name, ()))
    return [("appliesTo", f"{row['device']}:{port}") for port in ports]
