"""Decides whether what was read may be written under a device's name, and whose else it claims to be.

Another box at a known address is a case for a person: nothing that it says is written before
somebody accepts exactly that box. Devices are never merged: two that claim one identity stay two,
each with its case.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from inventory.facts import chassis_identity, entity_facts, facts, neighbour_ids
from inventory.facts.chassis_identity import Chassis
from inventory.looks import interface_rows
from inventory.rows import cases, history, tables

SWAPPED: Final = "chassis-swapped"
KINDS: Final = (SWAPPED, "serial-claimed-twice", "chassis-id-cloned", "engine-id-cloned")
_S = tables.device_states.c
_MOST: Final = 8
"""Cases of one kind about one device: a default that a whole fleet shares is told often enough."""


def swap(connection: sa.Connection, seen: facts.DeviceFacts) -> cases.Case | None:
    """The case that another box answers in a device's place; None when nothing says so."""
    now = _seen(seen)
    why = chassis_identity.swapped(_known(connection, seen.device), now)
    if not why:
        return None
    return cases.Case(
        device=seen.device,
        subject=seen.device,
        kind=SWAPPED,
        evidence=chassis_identity.evidence(now),
        text=f"another box answers at the address of {seen.device}: {why}",
        cause="it was replaced or deployed anew, or the address was given to another device",
        action="oss-agent case accept, if it was replaced or deployed anew on purpose: its ports then "
        "keep their history, services and claims by name; else mend the address",
    )


def believable(connection: sa.Connection, seen: facts.DeviceFacts) -> facts.DeviceFacts:
    """What may be judged and written of a look: not a new chassis id without the ports it came with.

    Alone it tells no swap, and written it would be the known one when the ports of the other box are seen.
    """
    if seen.chassis is None or seen.interfaces:
        return seen
    known = _known(connection, seen.device).lldp
    return seen if known in {None, seen.chassis} else dataclasses.replace(seen, chassis=None)


def kept_back(case: cases.Case) -> str:
    """Why nothing of a look was written, and what to do, for whoever asked for it."""
    return (
        f"{case.text}; nothing that it says is kept. If {case.device} was replaced or deployed anew: "
        f"oss-agent case accept {case.id}, and it is discovered again; else mend its address"
    )


def claims(
    connection: sa.Connection, tenant: str, seen: facts.DeviceFacts
) -> tuple[cases.Case, ...]:
    """Cases of other devices of the tenant that have this one's serial, chassis id or engine id."""
    told: list[tuple[str, str, dict[str, str]]] = []
    if seen.chassis is not None:
        text = neighbour_ids.chassis_text(seen.chassis)
        told.append(("chassis-id-cloned", f"LLDP chassis id {text}", {"chassis": seen.chassis}))
    if seen.engine_id is not None:
        words = f"SNMP engine id {seen.engine_id}"
        told.append(("engine-id-cloned", words, {"engine_id": seen.engine_id}))
    serials = [
        _cloned(
            seen.device, other, "serial-claimed-twice", f"a chassis with serial number {serial}"
        )
        for other, serial in _same_serial(connection, tenant, seen)
    ]
    clones = tuple(
        _cloned(seen.device, other, kind, words)
        for kind, words, same in told
        for other in _others(connection, tenant, seen.device, same)
    )
    return (*serials, *clones)


def _same_serial(
    connection: sa.Connection, tenant: str, seen: facts.DeviceFacts
) -> Sequence[sa.Row[str, str]]:
    c = tables.components.c
    query = (
        sa.select(c.device, c.serial)
        .join(
            tables.devices,
            sa.and_(tables.devices.c.name == c.device, history.current(tables.devices)),
        )
        .where(
            history.current(tables.components),
            c.serial.in_(seen.serials or ()),
            c.kind == entity_facts.CHASSIS,
            c.tenant == tenant,
            c.device != seen.device,
        )
        .order_by(c.device, c.serial)
        .limit(_MOST)
    )
    return connection.execute(query).all() if seen.serials else ()


def _others(
    connection: sa.Connection, tenant: str, device: str, same: Mapping[str, str]
) -> Sequence[str]:
    alike = [_S[name] == value for name, value in same.items()]
    query = (
        sa.select(_S.device)
        .join(
            tables.devices,
            sa.and_(tables.devices.c.name == _S.device, history.current(tables.devices)),
        )
        .where(
            history.current(tables.device_states), _S.tenant == tenant, _S.device != device, *alike
        )
        .order_by(_S.device)
        .limit(_MOST)
    )
    return connection.execute(query).scalars().all()


def _cloned(device: str, other: str, kind: str, what: str) -> cases.Case:
    return cases.Case(
        device=device,
        subject=device,
        kind=kind,
        evidence=f"{what} is also that of {other}",
        text=f"{device} and {other} both say that they have {what}; they are kept apart",
        cause="one device imported under two names, or cloned from the other's image",
        action="remove the second name, or make the identity its own on one of the two",
    )


def _known(connection: sa.Connection, device: str) -> Chassis:
    query = sa.select(_S.chassis, _S.serials).where(
        history.current(tables.device_states), _S.device == device
    )
    row = connection.execute(query).first()
    macs = (port["mac"] for port in interface_rows.current(connection, device))
    return Chassis(
        serials=frozenset(row.serials or ()) if row is not None else frozenset(),
        lldp=row.chassis if row is not None else None,
        macs=frozenset(mac for mac in macs if mac is not None),
    )


def _seen(seen: facts.DeviceFacts) -> Chassis:
    macs = (port.mac for port in seen.interfaces or ())
    return Chassis(
        serials=frozenset(seen.serials or ()),
        lldp=seen.chassis,
        macs=frozenset(mac for mac in macs if mac is not None),
    )
