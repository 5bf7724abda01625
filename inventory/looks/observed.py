"""Decides how what was seen becomes the observed ledger: only changes make a new version."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.devices import device_words
from inventory.facts import facts, hearing
from inventory.looks import (
    component_rows,
    device_identity,
    digests,
    interface_rows,
    observed_parts,
    port_cases,
    sightings,
)
from inventory.rows import cases, history, tables, tenancy
from inventory.topology import neighbour_rows


def record(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    at: datetime,
    said: Mapping[str, str] | None = None,
) -> str:
    """Write what discovery learned; addresses and neighbours that are gone end, ports by and by.

    ``said`` are its ``digests``, where they are known: of a big box they take a while. Returns why nothing was written: another box answers there. "" when it was.
    """
    tenant = tenancy.of_device(connection, seen.device)
    seen = device_identity.believable(connection, seen)
    written = sightings.written_digests(connection, seen.device)
    now = digests.of(seen, tenant) if said is None else digests.learned(said, seen)
    news = digests.news(now, written)
    # By what it says of itself and of its ports a box is told: where that is the same, it is the same.
    swap = device_identity.swap(connection, seen) if _tells_the_box(news) else None
    if swap is not None and not cases.accepted(connection, swap):
        cases.settle(connection, tenant, seen.device, {swap.kind}, [swap], at)
        return device_identity.kept_back(swap)
    claims = device_identity.claims(connection, tenant, seen)
    cases.settle(connection, tenant, seen.device, device_identity.KINDS, claims, at)
    settled = _record(connection, seen, news, tenant, at)
    kept = {part: digest for part, digest in (written | now).items() if part not in news - settled}
    if kept != written:
        sightings.overwrite(connection, seen.device, tenant, {"digests": kept})
    sightings.mark_seen(connection, seen.device, tenant, at)
    return ""


def _tells_the_box(news: frozenset[str]) -> bool:
    return facts.PORTS in news or bool(digests.of_itself(news))


def news(connection: sa.Connection, device: str, said: Mapping[str, str]) -> frozenset[str]:
    """The tables that ``record`` may write, beside when the device was seen, and cases."""
    return digests.news(said, sightings.written_digests(connection, device))


def _record(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    news: frozenset[str],
    tenant: str,
    at: datetime,
) -> frozenset[str]:
    """Write what is news; returns the tables whose rows say now what was seen, with nothing open."""
    device = seen.device
    settled = set(digests.of_itself(news))
    if settled:
        _record_state(connection, seen, tenant, at)
    if seen.interfaces is not None and _record_ports(
        connection, seen, seen.interfaces, tenant, at, same=facts.PORTS not in news
    ):
        settled.add(facts.PORTS)
    if seen.neighbours is not None and _record_neighbours(
        connection, seen, seen.neighbours, tenant, at, same=facts.NEIGHBOURS not in news
    ):
        settled.add(facts.NEIGHBOURS)
    if (
        seen.components is not None
        and facts.PARTS in news
        and _record_parts(connection, seen, seen.components, tenant, at)
    ):
        settled.add(facts.PARTS)
    plain: dict[str, tuple[observed_parts.Part, Sequence[Any] | None]] = {
        facts.ADDRESSES: (observed_parts.addresses_of(device, tenant), seen.addresses),
        facts.LABELS: (observed_parts.labels_of(device, tenant), seen.labels),
        facts.STATIONS: (observed_parts.stations_of(device, tenant), seen.stations),
        **{
            k: (observed_parts.logical_of(device, k, tenant), v)
            for k, v in (seen.logical or {}).items()
        },
    }
    for name, (part, found) in plain.items():
        whole = seen.whole(name)
        if found is not None and name in news:
            observed_parts.replace(connection, part, map(dataclasses.asdict, found), at, end=whole)
        if whole:
            settled.add(name)
    return frozenset(settled)


def _record_neighbours(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    neighbours: Sequence[facts.NeighbourFact],
    tenant: str,
    at: datetime,
    *,
    same: bool,
) -> bool:
    """What a reading lacks is missed first, and ends when several lack it. True when none is missed."""
    if same:
        again = neighbour_rows.heard_again(connection, seen.device, at)
        sightings.overwrite(connection, seen.device, tenant, neighbour_rows.readings(again))
        return True
    reading = hearing.Reading(at, neighbours, whole=seen.whole(facts.NEIGHBOURS))
    memory, full = neighbour_rows.remembered(connection, seen.device, reading)
    if not reading.whole:  # it tells who is in a crowd, and not where none is any more
        there = cases.standing(connection, tenant, [seen.device], [neighbour_rows.LEFT_OUT])
        full = tuple({**there, **{case.id: case for case in full}}.values())
    cases.settle(connection, tenant, seen.device, (neighbour_rows.LEFT_OUT,), full, at)
    part = observed_parts.neighbours_of(seen.device, tenant)
    observed_parts.replace(connection, part, neighbour_rows.rows(memory), at, end=True)
    sightings.overwrite(connection, seen.device, tenant, neighbour_rows.readings(memory))
    return reading.whole and not any(map(memory.missed, memory.heard.values()))


def _record_ports(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    ports: Sequence[facts.InterfaceFact],
    tenant: str,
    at: datetime,
    *,
    same: bool,
) -> bool:
    """True when every port is there and nothing of them is a case."""
    values = {"ports_at": at, "uptime": sightings.run_on(seen, at), "stirred_at": None}
    if same:
        sightings.overwrite(connection, seen.device, tenant, values)
        return True
    now = look(connection, seen, tenant, at)
    found = interface_rows.record(connection, now)
    # What a cut look did not come to is no reason to end a case.
    if now.whole:
        cases.settle(connection, tenant, seen.device, port_cases.KINDS, found, at)
    sightings.overwrite(connection, seen.device, tenant, values)
    present = {port.name for port in ports}
    away = any(
        row["name"] not in present for row in interface_rows.current(connection, seen.device)
    )
    return now.whole and not found and not away


def look(
    connection: sa.Connection, seen: facts.DeviceFacts, tenant: str, at: datetime
) -> interface_rows.Look:
    """What was seen of a device's ports, beside when its ports were looked at before."""
    return interface_rows.Look(
        device=seen.device,
        tenant=tenant,
        ports=seen.interfaces or (),
        whole=seen.whole(facts.PORTS),
        restarted=sightings.restarted(connection, seen, at),
        at=at,
    )


def _record_parts(
    connection: sa.Connection,
    seen: facts.DeviceFacts,
    parts: Sequence[facts.ComponentFact],
    tenant: str,
    at: datetime,
) -> bool:
    """True when all of them were read, and none was swapped."""
    found = component_rows.swaps(connection, seen.device, parts)
    if seen.whole(facts.PARTS):
        cases.settle(connection, tenant, seen.device, component_rows.KINDS, found, at)
    rows = [dataclasses.asdict(fact) for fact in parts]
    observed_parts.replace(
        connection,
        observed_parts.parts_of(seen.device, tenant),
        rows,
        at,
        end=seen.whole(facts.PARTS),
    )
    return seen.whole(facts.PARTS) and not found


def _record_state(
    connection: sa.Connection, seen: facts.DeviceFacts, tenant: str, at: datetime
) -> None:
    learned = {
        "chassis": seen.chassis,
        "description": seen.description,
        "system_name": seen.system_name,
        "router_id": seen.router_id,
        "offers": sorted(seen.offers) if seen.offers is not None else None,
        "serials": sorted(seen.serials) if seen.serials else None,
        "engine_id": seen.engine_id,
        "called": sorted(seen.called) if seen.called else None,
    }
    state = {name: value for name, value in learned.items() if value is not None}
    if state:
        key = {"device": seen.device}
        if history.put(connection, tables.device_states, key, {"tenant": tenant, **state}, at):
            device_words.keep(connection, tenant, seen.device)
