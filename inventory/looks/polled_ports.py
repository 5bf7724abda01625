"""Decides what a poll between two looks writes of a device's ports: how they are, never which they are."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory.facts import facts, naming
from inventory.looks import observed_parts, sightings
from inventory.rows import history, tables, tenancy
from oss_agent.spi import ledger

_KNOWN = sa.select(
    tables.interfaces.c.name, tables.interfaces.c.ifindex, tables.interfaces.c.mac
).where(
    history.current(tables.interfaces),
    tables.interfaces.c.ledger == tables.OBSERVED,
    tables.interfaces.c.device == sa.bindparam("at_device"),
    tables.interfaces.c.missing_since.is_(None),
)
"""Made once: to build a statement costs several times as much as to run it."""
Around: TypeAlias = Callable[[Collection[str]], contextlib.AbstractContextManager[None]]


def observe_ports(
    connection: sa.Connection,
    device: str,
    rows: Sequence[tuple[str, int, str, str]],
    at: datetime,
    *,
    doubted: Collection[str] = (),
    around: Around = lambda _: contextlib.nullcontext(),
) -> None:
    """(name, ifIndex, admin, oper) as a poll saw them. Ports it did not ask for stay as they are.

    A name that the last look does not have may be a renamed port, which a poll cannot tell: it is
    not written, and the next look is wanted soon; so it is where ports are ``doubted``. ``around`` is
    entered with the names of the ports that change.
    """
    tenant = tenancy.of_device(connection, device)
    polled = [
        {"name": name, "ifindex": index, "admin_status": admin, "oper_status": oper}
        for name, index, admin, oper in rows
    ]
    part = observed_parts.interfaces_of(device, tenant)
    changes, strange = _polled(connection, part, polled)
    with around(changes.names):
        observed_parts.write(connection, part, changes, at)
        sightings.mark_seen(connection, device, tenant, at)
        if changes.new or changes.changed:  # what the last look wrote is not what is written now
            kept = sightings.written_digests(connection, device)
            kept.pop(facts.PORTS, None)
            sightings.overwrite(connection, device, tenant, {"digests": kept})
        if (strange or doubted) and not sightings.is_stirred(connection, device):
            sightings.overwrite(connection, device, tenant, {"stirred_at": at})


def name_ports(
    connection: sa.Connection, device: str, rows: Sequence[ledger.PolledPort]
) -> ledger.NamedPorts:
    """Which ports a poll's rows are, by what the last look knew of them."""
    known = [naming.Known(*row) for row in connection.execute(_KNOWN, {"at_device": device})]
    polled = [
        naming.Row(row.name, row.index, row.mac, naming.switched_off(row.admin, row.oper))
        for row in rows
    ]
    return naming.as_known(polled, known)


def _polled(
    connection: sa.Connection, part: observed_parts.Part, polled: Sequence[Mapping[str, Any]]
) -> tuple[observed_parts.Changes, bool]:
    """What a poll changes, and whether it saw names that the last look does not have."""
    there = [{**row, "missing_since": None} for row in polled]
    changes = dataclasses.replace(observed_parts.changes(connection, part, there), gone=())
    if not changes.new or sightings.looked_at(connection, part.shared["device"]) is None:
        return changes, False
    # Numbers stay as the look left them: that they are others now is what the next one judges by.
    same = [(old, {**row, "ifindex": old["ifindex"]}) for old, row in changes.changed]
    changed = tuple((old, row) for old, row in same if history.differs(old, row))
    return dataclasses.replace(changes, new=(), changed=changed), True
