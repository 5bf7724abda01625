"""Decides what a look at a device's ports writes: identities stay, what hangs on a port moves along.

A port that is not seen any more stays for a grace, shown as not present; one that a service stands
on stays until the service is gone. Only then it ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import port_cases
from inventory.looks.interface_identity import Change, Decision, Port, match
from inventory.rows import cases, history, tables
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import ServiceState

GRACE: Final = timedelta(days=1)
"""How long a port without services may be away and still be the same one when it comes back."""
_NOT_PRESENT: Final = "notPresent"
_I = tables.interfaces.c
_S, _R = tables.services.c, tables.service_resources.c
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


@dataclass(frozen=True, slots=True)
class Steps:
    """Of a look the ports that keep their names or come: each is true by itself.

    ``complete``: a look that writes these has written all of its ports.
    """

    changes: tuple[tuple[Mapping[Any, Any], Mapping[str, Any]], ...]
    new: tuple[Mapping[str, Any], ...]
    complete: bool


def steps(connection: sa.Connection, look: Look) -> Steps | None:
    """What of a look may be written port by port; None where a port is renamed or in doubt.

    Who is who is then one decision, written with all that hangs on it.
    """
    known = {row["name"]: row for row in current(connection, look.device)}
    seen = {fact.name: fact for fact in look.ports}
    decisions = _decisions(look, known)
    if any(one.change is Change.RENAMED or one.doubt for one in decisions):
        return None
    changes, new = _said(look, decisions, known, seen)
    gone = any(one.seen is None for one in decisions)
    complete = (
        look.whole
        and not gone
        and not cases.standing(connection, look.tenant, [look.device], port_cases.KINDS)
    )
    return Steps(tuple(changes), tuple(new), complete)


def _decisions(look: Look, known: Mapping[str, Mapping[Any, Any]]) -> tuple[Decision, ...]:
    return match(
        [_port(row) for row in known.values()],
        [_port_seen(fact) for fact in look.ports],
        restarted=look.restarted,
    )


def record(connection: sa.Connection, look: Look) -> tuple[cases.Case, ...]:
    """Write a look; returns the cases it makes."""
    known = {row["name"]: row for row in current(connection, look.device)}
    seen = {fact.name: fact for fact in look.ports}
    decisions = _decisions(look, known)
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
    changes, new = _said(look, decisions, known, seen)
    away = [
        known[one.known.name] for one in decisions if one.known is not None and one.seen is None
    ]
    ended = _over(connection, look, away) if look.whole else []
    if look.whole:
        changes += [(row, _away(look.at)) for row in away if row["missing_since"] is None]
    history.end_rows(connection, tables.interfaces, ended, look.at)
    history.replace(connection, tables.interfaces, changes, look.at)
    history.begin_all(connection, tables.interfaces, new, look.at)


def _said(
    look: Look,
    decisions: Sequence[Decision],
    known: Mapping[str, Mapping[Any, Any]],
    seen: Mapping[str, facts.InterfaceFact],
) -> tuple[list[tuple[Mapping[Any, Any], Mapping[str, Any]]], list[Mapping[str, Any]]]:
    """Rows of ports that are seen with what they are now, and those that are new."""
    changes: list[tuple[Mapping[Any, Any], Mapping[str, Any]]] = []
    new: list[Mapping[str, Any]] = []
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
    return changes, new


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
    """Ports of a device that a service stands on or holds; one that is terminated only stood there."""
    ended = sa.exists().where(
        history.current(tables.services),
        _S.id == _R.service,
        _S.state == ServiceState.TERMINATED.value,
    )
    stood = sa.select(_R.port).where(
        history.current(tables.service_resources), _R.device == device, ~ended
    )
    claims = tables.port_claims
    claimed = sa.select(claims.c.port).where(history.current(claims), claims.c.device == device)
    return frozenset(connection.execute(stood.union(claimed)).scalars())


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
    return (
        *_still(connection, look),
        *_renamings(look.device, decisions, stayed, held),
        *(
            port_cases.missing(look.device, one.known.name)
            for one in decisions
            if one.change is Change.MISSING and look.whole and one.known and one.known.name in held
        ),
        *port_cases.moved(look.device, _doubts(decisions, held)),
    )


def _renamings(
    device: str, decisions: Sequence[Decision], stayed: Collection[str], held: Collection[str]
) -> Iterator[cases.Case]:
    for one in decisions:
        if one.change is Change.RENAMED and one.known and one.seen:
            before, now = one.known.name, one.seen.name
            if before in stayed:
                yield port_cases.in_the_way(device, before, now, one.proof)
            elif now in held or one.known.own_name != one.seen.own_name:
                # A free port that got a number, or lost it, was not renamed by anybody.
                yield port_cases.renamed(device, before, now, one.proof)


def _doubts(decisions: Sequence[Decision], held: Collection[str]) -> list[port_cases.Moved]:
    """Ports that may have moved: by an address that others have, too, only where a service is at stake.

    A subinterface has its port's, a bridge of Linux that of a member: they come and go with orders.
    """
    known = {one.known.name: one.known for one in decisions if one.known is not None}
    return [
        port_cases.Moved(known[one.doubt], one.seen)
        for one in decisions
        if one.doubt
        and one.seen is not None
        and one.doubt != one.seen.own_name
        and (one.doubt in held or not one.shared)
    ]


def _still(connection: sa.Connection, look: Look) -> Iterator[cases.Case]:
    """What nobody decided about yet and one look only could see: the next one knows both names."""
    names = frozenset(fact.name for fact in look.ports)
    there = frozenset(port_cases.card(fact.name, fact.mac) for fact in look.ports)
    for case in cases.unaccepted(connection, look.device, port_cases.RENAMED):
        if case.subject.removeprefix(f"{look.device}:") in names:
            yield case
    for case in cases.unaccepted(connection, look.device, port_cases.MOVED):
        left = port_cases.still_moved(case, names, there)
        if left is not None:
            yield left
