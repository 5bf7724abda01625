"""Decides what an import writes: devices, pinned keys, planned ports and declared links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory.containerlab import containerlab, containerlab_said
from inventory.rows import history, resource_ids, tables
from inventory.topology import topology
from inventory.words import host_keys
from oss_agent.spi.onboarding import Imported, ImportedFile, ImportReport

_LOGIN: Final = frozenset({"username", "password_ref"})
_DRAWN: Final = frozenset(
    {
        "kind",
        "platform",
        "managed",
        "reason",
        "role",
        "site",
        "ports",
        "router_id",
        "community_ref",
    }
)
"""What the labels of a topology tell, and what follows from them."""

PlatformTrouble = Callable[[str], str]
"""Why there is no driver for a platform; "" when there is one."""


@dataclass(frozen=True, slots=True)
class References:
    """Where a device's secrets lie; None where the lab gives none."""

    password: str | None = None
    community: str | None = None


def acceptable(connection: sa.Connection, tenant: str, lab: containerlab.Lab) -> frozenset[str]:
    """The lab's devices that may be written: new ones, and those of this lab and tenant."""
    refused = _refused(connection, tenant, lab)
    return frozenset(device.name for device in lab.devices) - refused.keys()


def _refused(connection: sa.Connection, tenant: str, lab: containerlab.Lab) -> Mapping[str, str]:
    """Why devices of the lab are not written, by their names."""
    other = "the name belongs to a device of another lab; rename one of them"
    names = [device.name for device in lab.devices]
    mine = (tenant, lab.name)
    taken = {name: other for name, whose in _taken(connection, lab).items() if whose != mine}
    return {**taken, **resource_ids.trouble(connection, names)}


def write(
    connection: sa.Connection,
    tenant: str,
    lab: containerlab.Lab,
    references: Mapping[str, References],
    trouble: PlatformTrouble,
    at: datetime,
) -> ImportReport:
    """Write the lab; what is as it was makes no new version, and what no file tells stays as it is."""
    barred = _refused(connection, tenant, lab)
    accepted = acceptable(connection, tenant, lab)
    had = _had(connection, tenant, lab)
    report = [Imported(name, "refused", reason) for name, reason in lab.refused]
    report += [Imported(name, "left out", reason) for name, reason in lab.left_out]
    for device in lab.devices:
        if device.name in barred:
            report.append(Imported(device.name, "refused", barred[device.name]))
            continue
        before = had.get(device.name)
        stays = _stays(lab, device, before)
        every = _facts(tenant, lab.name, device, references.get(device.name, References()), trouble)
        facts = {name: value for name, value in every.items() if name not in stays}
        outcome = _write_device(connection, device, facts, at)
        reason = {**(before or {}), **facts}["reason"]
        login = "" if stays >= _LOGIN else device.login_note
        told = "; ".join(filter(None, (reason, device.note, login)))
        report.append(Imported(device.name, outcome, told))
    if lab.drawn:
        links = [link for link in lab.links if {link.a_node, link.z_node} <= accepted]
        _write_links(connection, tenant, lab.name, links, at)
    files = tuple(ImportedFile(one.file, one.form, str(one)) for one in lab.said)
    devices = tuple(sorted(report, key=lambda one: one.device))
    return ImportReport(devices, len(_declared(connection, tenant, lab.name)), files)


def with_login(connection: sa.Connection, tenant: str, lab: containerlab.Lab) -> frozenset[str]:
    """The lab's devices whose login stays what it is: they have one, and no file tells another."""
    had = _had(connection, tenant, lab)
    return frozenset(one.name for one in lab.devices if _keeps_login(one, had.get(one.name)))


def _had(
    connection: sa.Connection, tenant: str, lab: containerlab.Lab
) -> Mapping[str, Mapping[Any, Any]]:
    """The lab's devices as they are in the inventory, by name."""
    c = tables.devices.c
    names = [device.name for device in lab.devices]
    query = sa.select(tables.devices).where(
        history.current(tables.devices),
        c.tenant == tenant,
        c.source == lab.name,
        c.name.in_(names),
    )
    return {row["name"]: row for row in connection.execute(query).mappings()}


def _keeps_login(device: containerlab.LabDevice, before: Mapping[Any, Any] | None) -> bool:
    has = before is not None and bool(before["username"] or before["password_ref"])
    return device.presumed and has


def _stays(
    lab: containerlab.Lab, device: containerlab.LabDevice, before: Mapping[Any, Any] | None
) -> frozenset[str]:
    """What of a device that we have these files do not tell."""
    if before is None:
        return frozenset()
    login = _LOGIN if _keeps_login(device, before) else frozenset[str]()
    return login | (frozenset[str]() if lab.drawn else _DRAWN)


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
    why_not = _why_not(device, trouble(device.platform))
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


def _why_not(device: containerlab.LabDevice, trouble: str) -> str:
    """Why it is only listed; "" where a driver is there. A kind that we know is called by name."""
    if not trouble or device.platform != device.kind:
        return trouble
    known = device.title or f"{device.kind!r} is no kind of containerlab's, and it"
    return f"listed, nothing is written to it: {known} has no driver here ({trouble})"


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
    links: Sequence[containerlab_said.Link],
    at: datetime,
) -> None:
    """The lab's links, and the ports they end on; links that the lab no longer declares end."""
    wanted = {topology.pair((k.a_node, k.a_port), (k.z_node, k.z_port)) for k in links}
    for row in _declared(connection, tenant, source):
        ends = ((row["a_device"], row["a_port"]), (row["z_device"], row["z_port"]))
        if ends not in wanted:
            history.end(connection, tables.links, tables.links.c.row == row["row"], at)
    for (a_device, a_port), (z_device, z_port) in sorted(wanted):
        ends_of = {"a_device": a_device, "a_port": a_port, "z_device": z_device, "z_port": z_port}
        history.put(connection, tables.links, ends_of, {"tenant": tenant, "source": source}, at)
    for device, port in sorted({end for link in wanted for end in link}):
        key = {"ledger": tables.PLANNED, "device": device, "name": port}
        history.put(connection, tables.interfaces, key, {"tenant": tenant}, at)


def _declared(connection: sa.Connection, tenant: str, source: str) -> Sequence[Mapping[Any, Any]]:
    """The links that a lab declares now."""
    c = tables.links.c
    query = sa.select(tables.links).where(
        history.current(tables.links), c.tenant == tenant, c.source == source
    )
    return connection.execute(query).mappings().all()
