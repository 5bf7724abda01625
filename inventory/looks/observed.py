"""Decides how what was seen becomes the observed ledger: only changes make a new version."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory.devices import device_words
from inventory.facts import facts, hearing, naming
from inventory.looks import component_rows, device_identity, digests, interface_rows, port_cases
from inventory.rows import cases, history, tables, tenancy
from inventory.topology import neighbour_rows
from oss_agent.spi import ledger, snmp

_KNOWN = sa.select(
    tables.interfaces.c.name, tables.interfaces.c.ifindex, tables.interfaces.c.mac
).where(
    history.current(tables.interfaces),
    tables.interfaces.c.ledger == tables.OBSERVED,
    tables.interfaces.c.device == sa.bindparam("at_device"),
    tables.interfaces.c.missing_since.is_(None),
)
_KEPT = sa.select(tables.sightings.c.digests).where(
    tables.sightings.c.device == sa.bindparam("at_device")
)
_LOOKED_AT = sa.select(tables.sightings.c.ports_at).where(
    tables.sightings.c.device == sa.bindparam("at_device")
)
"""Made once: to build a statement costs several times as much as to run it."""
Around: TypeAlias = Callable[[Collection[str]], contextlib.AbstractContextManager[None]]


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
    written = written_digests(connection, seen.device)
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
        overwrite(connection, seen.device, tenant, {"digests": kept})
    mark_seen(connection, seen.device, tenant, at)
    return ""


def _tells_the_box(news: frozenset[str]) -> bool:
    return facts.PORTS in news or bool(digests.of_itself(news))


def news(connection: sa.Connection, device: str, said: Mapping[str, str]) -> frozenset[str]:
    """The tables that ``record`` may write, beside when the device was seen, and cases."""
    return digests.news(said, written_digests(connection, device))


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
    plain: dict[str, tuple[_Part, Sequence[Any] | None]] = {
        facts.ADDRESSES: (_addresses_of(device, tenant), seen.addresses),
        facts.LABELS: (_labels_of(device, tenant), seen.labels),
        facts.STATIONS: (_stations_of(device, tenant), seen.stations),
        **{k: (_logical_of(device, k, tenant), v) for k, v in (seen.logical or {}).items()},
    }
    for name, (part, found) in plain.items():
        whole = seen.whole(name)
        if found is not None and name in news:
            _replace(connection, part, map(dataclasses.asdict, found), at, end=whole)
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
        overwrite(connection, seen.device, tenant, neighbour_rows.readings(again))
        return True
    reading = hearing.Reading(at, neighbours, whole=seen.whole(facts.NEIGHBOURS))
    memory, full = neighbour_rows.remembered(connection, seen.device, reading)
    if not reading.whole:  # it tells who is in a crowd, and not where none is any more
        there = cases.standing(connection, tenant, [seen.device], [neighbour_rows.LEFT_OUT])
        full = tuple({**there, **{case.id: case for case in full}}.values())
    cases.settle(connection, tenant, seen.device, (neighbour_rows.LEFT_OUT,), full, at)
    part = _neighbours_of(seen.device, tenant)
    _replace(connection, part, neighbour_rows.rows(memory), at, end=True)
    overwrite(connection, seen.device, tenant, neighbour_rows.readings(memory))
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
    values = {"ports_at": at, "uptime": _run_on(seen, at), "stirred_at": None}
    if same:
        overwrite(connection, seen.device, tenant, values)
        return True
    now = look(connection, seen, tenant, at)
    found = interface_rows.record(connection, now)
    # What a cut look did not come to is no reason to end a case.
    if now.whole:
        cases.settle(connection, tenant, seen.device, port_cases.KINDS, found, at)
    overwrite(connection, seen.device, tenant, values)
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
        restarted=_restarted(connection, seen, at),
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
    _replace(connection, _parts_of(seen.device, tenant), rows, at, end=seen.whole(facts.PARTS))
    return seen.whole(facts.PARTS) and not found


def written_digests(connection: sa.Connection, device: str) -> dict[str, str]:
    """What stands for what is written."""
    return connection.execute(_KEPT, {"at_device": device}).scalar_one_or_none() or {}


def _run_on(seen: facts.DeviceFacts, at: datetime) -> int | None:
    """SysUpTime at ``at``, while it is written: a slow device told it minutes before."""
    if seen.uptime is None or seen.uptime_at is None:
        return seen.uptime
    since = (at - seen.uptime_at).total_seconds()
    return (seen.uptime + round(since * 100)) % snmp.TICKS


def _restarted(connection: sa.Connection, seen: facts.DeviceFacts, at: datetime) -> bool:
    """Did it restart since its ports were last read? Where nobody can tell, it did."""
    c = tables.sightings.c
    query = sa.select(c.uptime, c.ports_at).where(c.device == seen.device)
    before, since = connection.execute(query).one_or_none() or (None, None)
    now = _run_on(seen, at)
    if before is None or since is None or now is None:
        return True
    return snmp.restarted(before, now, (at - since).total_seconds())


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
    part = _interfaces_of(device, tenant)
    changes, strange = _polled(connection, part, polled)
    with around(changes.names):
        _apply(connection, part, changes, at)
        mark_seen(connection, device, tenant, at)
        if changes.new or changes.changed:  # what the last look wrote is not what is written now
            kept = written_digests(connection, device)
            kept.pop(facts.PORTS, None)
            overwrite(connection, device, tenant, {"digests": kept})
        if (strange or doubted) and not _stirred(connection, device):
            overwrite(connection, device, tenant, {"stirred_at": at})


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
    connection: sa.Connection, part: _Part, polled: Sequence[Mapping[str, Any]]
) -> tuple[_Changes, bool]:
    """What a poll changes, and whether it saw names that the last look does not have."""
    there = [{**row, "missing_since": None} for row in polled]
    changes = dataclasses.replace(_changes(connection, part, there), gone=())
    if not changes.new or looked_at(connection, part.shared["device"]) is None:
        return changes, False
    # Numbers stay as the look left them: that they are others now is what the next one judges by.
    same = [(old, {**row, "ifindex": old["ifindex"]}) for old, row in changes.changed]
    changed = tuple((old, row) for old, row in same if history.differs(old, row))
    return dataclasses.replace(changes, new=(), changed=changed), True


def looked_at(connection: sa.Connection, device: str) -> datetime | None:
    """When its ports were last looked at."""
    return connection.execute(_LOOKED_AT, {"at_device": device}).scalar_one_or_none()


def _stirred(connection: sa.Connection, device: str) -> bool:
    c = tables.sightings.c
    query = sa.select(c.stirred_at).where(c.device == device)
    return connection.execute(query).scalar_one_or_none() is not None


def answers(connection: sa.Connection, device: str) -> bool | None:
    """Did the device answer when it was last asked? None when it never was."""
    c = tables.sightings.c
    row = connection.execute(
        sa.select(c.last_seen, c.unreachable_since).where(c.device == device)
    ).first()
    if row is None or (row.last_seen is None and row.unreachable_since is None):
        return None
    return row.unreachable_since is None


def mark_seen(
    connection: sa.Connection,
    device: str,
    tenant: str,
    at: datetime,
) -> None:
    """The device answered at ``at``."""
    values: dict[str, Any] = {"last_seen": at, "unreachable_since": None, "reason": ""}
    overwrite(connection, device, tenant, values)


def mark_unreachable(
    connection: sa.Connection, device: str, tenant: str, at: datetime, reason: str
) -> None:
    """The device did not answer, or not well; since when is kept from the first time."""
    c = tables.sightings.c
    before = sa.select(c.unreachable_since).where(c.device == device)
    since = connection.execute(before).scalar_one_or_none()
    values = {"unreachable_since": since or at, "reason": reason}
    overwrite(connection, device, tenant, values)


def overwrite(
    connection: sa.Connection, device: str, tenant: str, values: Mapping[str, Any]
) -> None:
    """What is known of when and how a device was read, which has no history."""
    if not values:
        return  # an answer that was not whole, of a device that never gave a whole one
    table = tables.sightings
    done = connection.execute(sa.update(table).where(table.c.device == device).values(**values))
    if not done.rowcount:
        connection.execute(sa.insert(table).values(device=device, tenant=tenant, **values))


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


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """A device's rows in one observed table: what they share, and what tells them apart."""

    table: sa.Table[Any]
    shared: Mapping[str, Any]
    tenant: str
    identity: tuple[str, ...]

    def named(self, row: Mapping[Any, Any]) -> tuple[Any, ...]:
        """What tells a row from the others of the part."""
        return tuple(row[name] for name in self.identity)


def _interfaces_of(device: str, tenant: str) -> _Part:
    shared = {"ledger": tables.OBSERVED, "device": device}
    return _Part(tables.interfaces, shared, tenant, ("name",))


def _parts_of(device: str, tenant: str) -> _Part:
    return _Part(tables.components, {"device": device}, tenant, ("place",))


def _logical_of(device: str, kind: str, tenant: str) -> _Part:
    return _Part(tables.logical, {"device": device, "kind": kind}, tenant, ("name",))


def _addresses_of(device: str, tenant: str) -> _Part:
    return _Part(tables.addresses, {"device": device}, tenant, ("interface", "address"))


def _labels_of(device: str, tenant: str) -> _Part:
    return _Part(tables.port_labels, {"device": device}, tenant, ("port",))


def _stations_of(device: str, tenant: str) -> _Part:
    return _Part(tables.stations, {"device": device}, tenant, ("port", "mac", "address"))


def _neighbours_of(device: str, tenant: str) -> _Part:
    identity = ("port", "chassis", "port_id")
    return _Part(tables.neighbours, {"device": device}, tenant, identity)


def _replace(
    connection: sa.Connection,
    part: _Part,
    rows: Iterable[Mapping[str, Any]],
    at: datetime,
    *,
    end: bool,
) -> None:
    """Make ``rows`` the current ones; others end when ``end``."""
    found = _changes(connection, part, rows)
    _apply(connection, part, found if end else dataclasses.replace(found, gone=()), at)


@dataclasses.dataclass(frozen=True, slots=True)
class _Changes:
    """Rows that are new, those that differ from what was, and those that were not seen."""

    new: tuple[Mapping[str, Any], ...]
    changed: tuple[tuple[Mapping[Any, Any], Mapping[str, Any]], ...]
    gone: tuple[Mapping[Any, Any], ...] = ()

    @property
    def names(self) -> list[str]:
        """Of ports: those that come or change."""
        return [row["name"] for row in (*self.new, *(row for _, row in self.changed))]


def _changes(connection: sa.Connection, part: _Part, rows: Iterable[Mapping[str, Any]]) -> _Changes:
    """One read; what is as it was is none of it. Of two rows that are one the last counts."""
    of_part = sa.and_(*(part.table.c[name] == value for name, value in part.shared.items()))
    query = sa.select(part.table).where(history.current(part.table), of_part)
    before = {part.named(row): row for row in connection.execute(query).mappings()}
    there = {part.named(row): row for row in rows}
    both = [(before[key], row) for key, row in there.items() if key in before]
    return _Changes(
        new=tuple(row for key, row in there.items() if key not in before),
        changed=tuple((old, row) for old, row in both if history.differs(old, row)),
        gone=tuple(row for key, row in before.items() if key not in there),
    )


def _apply(connection: sa.Connection, part: _Part, changes: _Changes, at: datetime) -> None:
    new = [{"tenant": part.tenant, **part.shared, **row} for row in changes.new]
    history.end_rows(connection, part.table, changes.gone, at)
    history.replace(connection, part.table, changes.changed, at)
    history.begin_all(connection, part.table, new, at)
