"""Decides what an import writes: devices, pinned keys, planned ports and declared links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory import containerlab, history, host_keys, tables, topology
from oss_agent.spi.onboarding import Imported, ImportReport

PlatformTrouble = Callable[[str], str]
"""Why there is no driver for a platform; "" when there is one."""


@dataclass(frozen=True, slots=True)
class References:
    """Where a device's secrets lie; None where the lab gives none."""

    password: str | None = None
    community: str | None = None


def acceptable(connection: sa.Connection, tenant: str, lab: containerlab.Lab) -> frozenset[str]:
    """The lab's devices that may be written: new ones, and those of this lab and tenant."""
    taken = _taken(connection, lab)
    return frozenset(
        device.name
        for device in lab.devices
        if taken.get(device.name, (tenant, lab.name)) == (tenant, lab.name)
    )


def write(
    connection: sa.Connection,
    tenant: str,
    lab: containerlab.Lab,
    references: Mapping[str, References],
    trouble: PlatformTrouble,
    at: datetime,
) -> ImportReport:
    """Write the lab; what is as it was makes no new version."""
    accepted = acceptable(connection, tenant, lab)
    report = [Imported(name, "refused", reason) for name, reason in lab.refused]
    for device in lab.devices:
        if device.name not in accepted:
            reason = "the name belongs to a device of another lab; rename one of them"
            report.append(Imported(device.name, "refused", reason))
            continue
        facts = _facts(tenant, lab.name, device, references.get(device.name, References()), trouble)
        outcome = _write_device(connection, device, facts, at)
        report.append(Imported(device.name, outcome, facts["reason"]))
    links = [link for link in lab.links if {link.a_node, link.z_node} <= accepted]
    _write_links(connection, tenant, lab.name, links, at)
    return ImportReport(tuple(sorted(report, key=lambda one: one.device)), len(links))


def pin(
    connection: sa.Connection,
    tenant: str,
    device: str,
    keys: Sequence[str],
    accepted_by: str,
    at: datetime,
) -> bool:
    """Make ``keys`` the pinned ones; others end. Returns whether anything changed."""
    c = tables.device_keys.c
    gone = sa.and_(c.device == device, c.key.not_in(keys))
    changed = history.end(connection, tables.device_keys, gone, at) > 0
    query = sa.select(c.key).where(history.current(tables.device_keys), c.device == device)
    pinned = set(connection.execute(query).scalars())
    for key in sorted(set(keys) - pinned):
        row = {
            "tenant": tenant,
            "device": device,
            "key": key,
            "fingerprint": host_keys.fingerprint(key),
            "accepted_by": accepted_by,
        }
        history.begin(connection, tables.device_keys, row, at)
        changed = True
    return changed


def _taken(connection: sa.Connection, lab: containerlab.Lab) -> Mapping[str, tuple[str, str]]:
    c = tables.devices.c
    names = [device.name for device in lab.devices]
    query = sa.select(c.name, c.tenant, c.source).where(
        history.current(tables.devices), c.name.in_(names)
    )
    return {name: (tenant, source) for name, tenant, source in connection.execute(query)}


def _facts(
    tenant: str,
    source: str,
    device: containerlab.LabDevice,
    references: References,
    trouble: PlatformTrouble,
) -> dict[str, Any]:
    why_not = trouble(device.platform)
    return {
        "tenant": tenant,
        "source": source,
        "kind": device.kind,
        "platform": device.platform,
        "managed": not why_not,
        "reason": why_not,
        "address": device.address,
        "role": device.role,
        "site": device.site,
        "username": device.login.username,
        "password_ref": references.password,
        "community_ref": references.community,
        "ports": dict(device.ports),
        "router_id": device.router_id,
    }


def _write_device(
    connection: sa.Connection,
    device: containerlab.LabDevice,
    facts: Mapping[str, Any],
    at: datetime,
) -> str:
    c = tables.devices.c
    query = sa.select(c.row).where(history.current(tables.devices), c.name == device.name)
    existed = connection.execute(query).first() is not None
    changed = history.put(connection, tables.devices, {"name": device.name}, facts, at)
    # A lab without known_hosts says nothing about keys: what is pinned stays.
    if device.host_keys:
        who = f"import of lab {facts['source']}"
        keys = device.host_keys
        changed |= pin(connection, facts["tenant"], device.name, keys, who, at)
    if not existed:
        return "created"
    return "updated" if changed else "unchanged"


def _write_links(
    connection: sa.Connection,
    tenant: str,
    source: str,
    links: Sequence[containerlab.LabLink],
    at: datetime,
) -> None:
    """The lab's links, and the ports they end on; links that the lab no longer declares end."""
    wanted = {topology.pair((k.a_node, k.a_port), (k.z_node, k.z_port)) for k in links}
    c = tables.links.c
    query = sa.select(tables.links).where(history.current(tables.links), c.source == source)
    for row in connection.execute(query.where(c.tenant == tenant)).mappings().all():
        ends = ((row["a_device"], row["a_port"]), (row["z_device"], row["z_port"]))
        if ends not in wanted:
            history.end(connection, tables.links, c.row == row["row"], at)
    for (a_device, a_port), (z_device, z_port) in sorted(wanted):
        ends_of = {"a_device": a_device, "a_port": a_port, "z_device": z_device, "z_port": z_port}
        history.put(connection, tables.links, ends_of, {"tenant": tenant, "source": source}, at)
    for device, port in sorted({end for link in wanted for end in link}):
        key = {"ledger": tables.PLANNED, "device": device, "name": port}
        history.put(connection, tables.interfaces, key, {"tenant": tenant}, at)
