"""Decides what a look at a device's ports writes: identities stay, what hangs on a port moves along.

A port that is not seen any more stays for a grace, shown as not present; one that a service stands
on stays until the service is gone. Only then it ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory import cases, facts, history, tables
from inventory.interface_identity import Change, Decision, Port, match
from oss_agent.spi.clock import rfc3339

GRACE: Final = timedelta(days=1)
"""How long a port without services may be away and still be the same one when it comes back."""
KINDS: Final = ("port-renamed", "port-missing", "port-moved")
_NOT_PRESENT: Final = "notPresent"
_I = tables.interfaces.c
_HANGING = (tables.service_resources, tables.port_claims)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a device's ports. ``whole`` is False when it was cut short: nothing is missing."""

    device: str
    tenant: str
    ports: Sequence[facts.InterfaceFact]
    whole: bool
    restarted: bool
    at: datetime
    grace: timedelta = GRACE


def record(connection: sa.Connection, look: Look) -> tuple[cases.Case, ...]:
    """Write a look; returns the cases it makes."""
    rows = current(connection, look.device)
    known = {row["name"]: row for row in rows}
    seen = {fact.name: fact for fact in look.ports}
    decisions = match(
        [_port(row) for row in rows],
        [_port_seen(fact) for fact in look.ports],
        restarted=look.restarted,
    )
    if not look.whole:  # where a column of names broke off, a port has another name for one look
        decisions = tuple(one for one in decisions if one.change is not Change.RENAMED)
    _write(connection, look, decisions, known, seen)
    held = _held(connection, look.device)
    moving = _moving(_names(decisions, Change.RENAMED), held)
    _move_along(connection, look, moving)
    return _cases(connection, look, decisions, held - moving.keys())


def current(connection: sa.Connection, device: str) -> Sequence[sa.RowMapping]:
    """The observed ports of a device now, those away in their grace among them."""
    query = sa.select(tables.interfaces).where(
        history.current(tables.interfaces), _I.ledger == tables.OBSERVED, _I.device == device
    )
    return connection.execute(query).mappings().all()


def _port(row: Mapping[Any, Any]) -> Port:
    return Port(
        name=row["name"],
        index=row["ifindex"],
        mac=row["mac"],
        descr=row["descr"],
        alias=row["description"],
        place=row["place"],
    )


def _port_seen(fact: facts.InterfaceFact) -> Port:
    return Port(fact.name, fact.index, fact.mac, fact.descr, fact.description, fact.place)


def _write(
    connection: sa.Connection,
    look: Look,
    decisions: Sequence[Decision],
    known: Mapping[str, Mapping[Any, Any]],
    seen: Mapping[str, facts.InterfaceFact],
) -> None:
    changes: list[tuple[Mapping[Any, Any], Mapping[str, Any]]] = []
    new: list[dict[str, Any]] = []
    for one in decisions:
        if one.known is None and one.seen is not None:
            new.append(_begun(look, seen[one.seen.name]))
        elif one.known is not None and one.seen is not None:
            row, says = known[one.known.name], _says(seen[one.seen.name])
            says["identity"] = row["identity"] or _identity(look, one.known.name)
            # A look without ENTITY-MIB does not say that the port has no place.
            says["place"] = says["place"] or row["place"]
            if history.differs(row, says):
                changes.append((row, says))
    away = [
        known[one.known.name] for one in decisions if one.known is not None and one.seen is None
    ]
    ended = _over(connection, look, away) if look.whole else []
    if look.whole:
        changes += [(row, _away(look.at)) for row in away if row["missing_since"] is None]
    history.end_rows(connection, tables.interfaces, ended, look.at)
    history.replace(connection, tables.interfaces, changes, look.at)
    history.begin_all(connection, tables.interfaces, new, look.at)


def _says(fact: facts.InterfaceFact) -> dict[str, Any]:
    row = dataclasses.asdict(fact)
    row["ifindex"] = row.pop("index")
    return {**row, "missing_since": None}


def _begun(look: Look, fact: facts.InterfaceFact) -> dict[str, Any]:
    shared = {"tenant": look.tenant, "ledger": tables.OBSERVED, "device": look.device}
    return {**shared, **_says(fact), "identity": _identity(look, fact.name)}


def _identity(look: Look, name: str) -> str:
    """A port's own id for ever: at one moment one port of a device has a name."""
    return f"{look.device}:{name}@{rfc3339(look.at)}"


def _away(at: datetime) -> dict[str, Any]:
    return {"missing_since": at, "oper_status": _NOT_PRESENT}


def _over(
    connection: sa.Connection, look: Look, away: Sequence[Mapping[Any, Any]]
) -> list[Mapping[Any, Any]]:
    """Those whose grace is over and that nothing hangs on."""
    late = [
        row
        for row in away
        if row["missing_since"] is not None and look.at - row["missing_since"] >= look.grace
    ]
    held = _held(connection, look.device) if late else frozenset()
    return [row for row in late if row["name"] not in held]


def _held(connection: sa.Connection, device: str) -> frozenset[str]:
    """Ports of a device that a service stands on or holds."""
    found: set[str] = set()
    for table in _HANGING:
        query = sa.select(table.c.port).where(history.current(table), table.c.device == device)
        found |= set(connection.execute(query).scalars())
    return frozenset(found)


def _names(decisions: Sequence[Decision], change: Change) -> dict[str, str]:
    return {
        one.known.name: one.seen.name
        for one in decisions
        if one.change is change and one.known is not None and one.seen is not None
    }


def _moving(renamed: Mapping[str, str], held: Collection[str]) -> Mapping[str, str]:
    """Those renamings that what hangs on the port may follow.

    Not to a name that a service holds already, ordered before any port was seen under it.
    """
    moving = dict(renamed)
    while blocked := [a for a, z in moving.items() if z in held and z not in moving]:
        for name in blocked:
            del moving[name]
    return moving


def _move_along(connection: sa.Connection, look: Look, renamed: Mapping[str, str]) -> None:
    """Services and claims of a renamed port, all at once: names may have been exchanged."""
    if not renamed:
        return
    for table in _HANGING:
        query = sa.select(table).where(
            history.current(table), table.c.device == look.device, table.c.port.in_(renamed)
        )
        rows = connection.execute(query).mappings().all()
        changes = [(row, _moved(table, row, renamed)) for row in rows]
        history.replace(connection, table, changes, look.at)


def _moved(
    table: sa.Table[Any], row: Mapping[Any, Any], renamed: Mapping[str, str]
) -> dict[str, Any]:
    moved = {"port": renamed[row["port"]]}
    if table is tables.service_resources:
        moved["formerly"] = row["port"]  # its last meter reading has that name
    return moved


def _cases(
    connection: sa.Connection, look: Look, decisions: Sequence[Decision], stayed: Collection[str]
) -> tuple[cases.Case, ...]:
    """``stayed`` are the names that services hold on to after the look."""
    held = _held(connection, look.device)
    found = list(_still_renamed(connection, look))
    for one in decisions:
        if one.change is Change.RENAMED and one.known and one.seen:
            before, now = one.known.name, one.seen.name
            if before in stayed:
                found.append(_in_the_way(look.device, before, now, one.proof))
            else:
                found.append(_renamed(look.device, before, now, one.proof))
        if one.change is Change.MISSING and look.whole and one.known and one.known.name in held:
            found.append(_missing(look.device, one.known.name))
        if one.doubt and one.seen is not None:
            found.append(_doubtful(look.device, one.doubt, one.seen))
    return tuple(found)


def _still_renamed(connection: sa.Connection, look: Look) -> tuple[cases.Case, ...]:
    """Renamings that nobody accepted yet, of ports that are still there under the new name."""
    names = {f"{look.device}:{fact.name}" for fact in look.ports}
    before = cases.unaccepted(connection, look.device, "port-renamed")
    return tuple(case for case in before if case.subject in names)


def _renamed(device: str, before: str, now: str, proof: str) -> cases.Case:
    return cases.Case(
        device=device,
        subject=f"{device}:{now}",
        kind="port-renamed",
        evidence=f"{before} is now {now}: {proof}",
        text=f"port {before} of {device} is now called {now} ({proof}); what hung on it moved along",
        cause="renamed on the device, or by an upgrade of it",
        action="accept the case, and mend the topology file and the configuration that name it",
    )


def _in_the_way(device: str, before: str, now: str, proof: str) -> cases.Case:
    return cases.Case(
        device=device,
        subject=f"{device}:{now}",
        kind="port-renamed",
        evidence=f"{before} is now {now}, which was held: {proof}",
        text=f"port {before} of {device} is now called {now} ({proof}), and both names have a service: "
        "nothing moved along",
        cause="a service was ordered on the new name before any port was seen under it",
        action="end one of the two services, or move it to another port",
    )


def _missing(device: str, name: str) -> cases.Case:
    return cases.Case(
        device=device,
        subject=f"{device}:{name}",
        kind="port-missing",
        evidence=name,
        text=f"{device} does not show port {name} any more, and a service stands on it",
        cause="a card or an interface was taken out, or the port was renamed beyond recognition",
        action="put it back, or move the service to another port",
    )


def _doubtful(device: str, before: str, seen: Port) -> cases.Case:
    return cases.Case(
        device=device,
        subject=f"{device}:{before}",
        kind="port-moved",
        evidence=f"{seen.name} has MAC address {seen.mac}",
        text=f"{before} is gone, and the new port {seen.name} has its MAC address {seen.mac}",
        cause="a card was moved to another slot, or the port was renamed; nothing else proves it",
        action="what hung on the old port stays there: order its move if it is the same one",
    )
