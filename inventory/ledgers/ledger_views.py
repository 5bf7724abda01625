"""Decides how the three ledgers are laid side by side for one service, device or port."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory.ledgers import compared, ledger_facts, reconcile
from inventory.pools import pool_absence, pool_sql
from inventory.rows import history, tables
from inventory.services import service_logicals
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.ledgers import DifferenceView, LedgerView, Line, Side
from oss_agent.spi.moments import AsOf

Busy: TypeAlias = Callable[[sa.Connection], Collection[str]]
"""The services that orders are at work on."""
_SERVICE, _DEVICE, _PORT = "service", "device", "port"


class LedgerPort:
    """``spi.ledgers.Ledgers`` over the store."""

    def __init__(self, rows: store.Store, time: clock.Clock, busy: Busy) -> None:
        self._store = rows
        self._time = time
        self._busy = busy

    async def show(self, tenant: str, name: str, when: AsOf | None = None) -> LedgerView:
        """One thing in the three ledgers; NotFound, Conflict when a name is several services'."""
        now = self._time.now()
        return await self._store.read(lambda c: _show(c, tenant, name, when, now, self._busy(c)))


def _show(
    connection: sa.Connection,
    tenant: str,
    name: str,
    when: AsOf | None,
    now: datetime,
    busy: Collection[str],
) -> LedgerView:
    kind, key = _meant(connection, tenant, name, when)
    devices = (
        ledger_facts.of_service(connection, tenant, key, when)
        if kind == _SERVICE
        else (key.partition(":")[0],)
    )
    facts = ledger_facts.of_devices(connection, tenant, devices, when)
    lines = {
        _SERVICE: _of_service,
        _DEVICE: _of_device,
        _PORT: _of_port,
    }[kind](connection, facts, key, when)
    at = now if when is None else when.valid
    told = [one for one in reconcile.differences(facts, at) if _about(one, kind, key)]
    involved = {one.service for one in told} | ({key} if kind == _SERVICE else set[str]())
    return LedgerView(
        kind=kind,
        id=key,
        name=facts.services[key].name if key in facts.services else key,
        lines=tuple(lines),
        differences=_differences(connection, tenant, told, (kind, key, devices), when),
        busy=when is None and not involved.isdisjoint(busy),
        valid=None if when is None else when.valid,
        known=None if when is None else when.known,
    )


def _meant(connection: sa.Connection, tenant: str, name: str, when: AsOf | None) -> tuple[str, str]:
    """What a person means by a name, and its key; NotFound says what there is."""
    if _there(connection, tables.devices, tenant, when, name=name):
        return _DEVICE, name
    device, colon, port = name.partition(":")
    if colon and _is_port(connection, tenant, device, port, when):
        return _PORT, name
    if _there(connection, tables.services, tenant, when, id=name):
        return _SERVICE, name
    t = tables.services
    of_name = sa.and_(history.there(t, when), t.c.tenant == tenant, t.c.name == name)
    whole = sa.select(t.c.id).where(of_name, t.c.parent.is_(None)).order_by(t.c.id)
    ids = connection.execute(whole).scalars().all()
    if len(ids) > 1:
        raise errors.Conflict(f"{len(ids)} services are called {name}: {', '.join(ids)}; name one")
    if not ids:
        then = "" if when is None else f" at {clock.rfc3339(when.valid)}"
        raise errors.NotFound(
            f"a service, device or port (pe1:eth4) called {ascii(name)[:80]}{then}"
        )
    return _SERVICE, ids[0]


def _there(
    connection: sa.Connection,
    table: sa.Table[Any],
    tenant: str,
    when: AsOf | None,
    **key: str,
) -> bool:
    same = [table.c[name] == value for name, value in key.items()]
    query = sa.select(table.c.row).where(
        history.there(table, when), table.c.tenant == tenant, *same
    )
    return connection.execute(query.limit(1)).first() is not None


def _is_port(
    connection: sa.Connection, tenant: str, device: str, port: str, when: AsOf | None
) -> bool:
    known = _there(connection, tables.interfaces, tenant, when, device=device, name=port)
    return known or _there(connection, tables.port_claims, tenant, when, device=device, port=port)


def _about(one: compared.Difference, kind: str, key: str) -> bool:
    if kind == _SERVICE:
        return one.service == key
    return one.case.subject == key or (kind == _DEVICE and one.case.device == key)


def _of_service(
    connection: sa.Connection, facts: compared.Facts, key: str, when: AsOf | None
) -> Iterator[Line]:
    serving = facts.services.get(key)
    if serving is not None:
        status = Side(serving.status, serving.status_since, serving.known)
        yield Line(f"service {serving.name}", planned=_planned(serving), observed=status)
    for claim in (one for one in facts.claims if one.service == key):
        yield _port_line(facts, claim.device, claim.port)
    mentioned = _trees(connection, key, when)
    yield from _stores(facts, key)
    yield from map(_spoken, service_logicals.spoken(connection, key, when))
    for row in _values(connection, key, when):
        text = row["text"] or str(row["value"])
        found = [where for where, tree in mentioned.items() if pool_absence.mentions(tree, text)]
        since = [one for one in facts.read_back if one.service == key]
        yield Line(
            f"{row['pool']}:{text}",
            planned=Side(f"held as {row['key']}", row["valid_from"], row["known_from"]),
            configured=_mentioned(found, since),
        )


def _spoken(one: service_logicals.Spoken) -> Line:
    """A VLAN or VRF; not every device shows those that it has."""
    seen = None
    if one.seen_since is not None and one.seen_known is not None:
        state = (one.seen or {}).get("state", "")
        seen = Side(str(state) or "there", one.seen_since, one.seen_known)
    return Line(
        one.key,
        configured=Side(f"spoken of ({one.store})", one.since, one.known),
        observed=seen,
    )


def _planned(serving: compared.Serving) -> Side:
    return Side(serving.state, serving.since, serving.known, f"order {serving.order}")


def _port_line(facts: compared.Facts, device: str, port: str) -> Line:
    claim = next((one for one in facts.claims if (one.device, one.port) == (device, port)), None)
    seen = next((one for one in facts.seen if (one.device, one.port) == (device, port)), None)
    held = None
    if claim is not None:
        who = facts.services[claim.service].name if claim.service in facts.services else ""
        words = f"held by {who or claim.service}"
        held = Side(words, claim.since, claim.known, f"order {claim.order}")
    return Line(f"{device}:{port}", planned=held, observed=_observed(seen))


def _observed(seen: compared.Seen | None) -> Side | None:
    if seen is None:
        return None
    return Side(_words(seen), seen.since, seen.known)


def _stores(facts: compared.Facts, key: str) -> Iterator[Line]:
    """A line for each configuration store that the service owns or has something in."""
    owned = {(one.device, one.store): one for one in facts.owned if one.service == key}
    read = {(one.device, one.store): one for one in facts.read_back if one.service == key}
    for device, store_ in sorted({*owned, *read}):
        here = (device, store_)
        plan, back = owned.get(here), read.get(here)
        yield Line(
            f"{device} ({store_})",
            planned=Side(f"owns {plan.paths} paths", plan.since, plan.known, f"order {plan.order}")
            if plan
            else None,
            configured=Side("read back", back.since, back.known) if back else None,
        )


def _mentioned(found: Sequence[str], since: Sequence[compared.ReadBack]) -> Side | None:
    if not found or not since:
        return None
    last = max(since, key=lambda one: one.since)
    return Side(f"on {', '.join(found)}", last.since, last.known)


def _trees(connection: sa.Connection, key: str, when: AsOf | None) -> Mapping[str, Any]:
    t = tables.configured
    query = sa.select(t.c.device, t.c.store, t.c.tree).where(
        history.there(t, when), t.c.service == key
    )
    rows = connection.execute(query.order_by(t.c.device, t.c.store))
    return {f"{device} ({store_})": tree for device, store_, tree in rows}


def _values(connection: sa.Connection, key: str, when: AsOf | None) -> Sequence[sa.RowMapping]:
    """What of pools the service holds."""
    t = tables.pool_claims
    mine = sa.and_(pool_sql.of_service(key), t.c.released_at.is_(None))
    query = sa.select(t).where(history.there(t, when), mine).order_by(t.c.pool, t.c.value)
    return connection.execute(query).mappings().all()


def _of_device(
    connection: sa.Connection, facts: compared.Facts, key: str, when: AsOf | None
) -> Iterator[Line]:
    yield from _box(connection, facts, key, when)
    for claim in facts.claims:
        yield _port_line(facts, claim.device, claim.port)
    there = {one.service for one in facts.owned} | {one.service for one in facts.read_back}
    for service in sorted(there):
        name = facts.services[service].name if service in facts.services else service
        for line in _stores(facts, service):
            yield Line(f"{name} on {line.about}", line.planned, line.configured)


def _box(
    connection: sa.Connection, facts: compared.Facts, key: str, when: AsOf | None
) -> Iterator[Line]:
    t = tables.device_states
    query = sa.select(t).where(history.there(t, when), t.c.device == key)
    state = connection.execute(query).mappings().first()
    said = None
    if state is not None:
        words = state["description"] or state["system_name"] or "it answered"
        said = Side(words, state["valid_from"], state["known_from"])
    for box in facts.devices:
        words = "managed" if box.managed else "not managed"
        yield Line(box.name, planned=Side(words, box.since, box.known), observed=said)


def _of_port(
    connection: sa.Connection, facts: compared.Facts, key: str, when: AsOf | None
) -> Iterator[Line]:
    device, _, port = key.partition(":")
    line = _port_line(facts, device, port)
    t = tables.interfaces
    same = sa.and_(history.there(t, when), t.c.device == device, t.c.name == port)
    rows = {row["ledger"]: row for row in connection.execute(sa.select(t).where(same)).mappings()}
    planned, seen = rows.get(tables.PLANNED), rows.get(tables.OBSERVED)
    free = Side("free", planned["valid_from"], planned["known_from"]) if planned else None
    yield Line(
        key,
        planned=line.planned or free,
        configured=_service_there(facts, device, port),
        observed=_row_observed(seen) if seen else None,
    )


def _service_there(facts: compared.Facts, device: str, port: str) -> Side | None:
    """What was read back on the device for who holds the port."""
    holders = {one.service for one in facts.claims if (one.device, one.port) == (device, port)}
    back = [one for one in facts.read_back if one.device == device and one.service in holders]
    if not back:
        return None
    first = min(back, key=lambda one: one.since)
    stores = ", ".join(sorted(one.store for one in back))
    return Side(f"its service read back ({stores})", first.since, first.known)


def _row_observed(row: Mapping[Any, Any]) -> Side:
    missing = row["missing_since"] is not None
    seen = compared.Seen(
        row["device"],
        row["name"],
        row["admin_status"],
        row["oper_status"],
        missing,
        row["valid_from"],
        row["known_from"],
    )
    return Side(_words(seen), row["valid_from"], row["known_from"])


def _words(seen: compared.Seen) -> str:
    return "not seen any more" if seen.missing else f"{seen.oper}, admin {seen.admin}"


def _differences(
    connection: sa.Connection,
    tenant: str,
    told: Sequence[compared.Difference],
    about: tuple[str, str, Sequence[str]],
    when: AsOf | None,
) -> tuple[DifferenceView, ...]:
    """What the ledgers disagree on, with the cases; and the other cases of the same subjects."""
    kind, key, devices = about
    t, c = tables.cases, tables.cases.c
    mine = sa.and_(history.there(t, when), c.tenant == tenant, c.device.in_(devices))
    rows = {row["id"]: row for row in connection.execute(sa.select(t).where(mine)).mappings()}
    found = [_with_case(one, rows.pop(one.case.id, None)) for one in told]
    ours = (*reconcile.KINDS, *reconcile.POOL_KINDS)
    others = [row for row in rows.values() if row["kind"] not in ours]
    if kind == _PORT:
        others = [row for row in others if row["subject"] == key]
    if kind == _SERVICE:
        others = [row for row in others if key in f"{row['owner']} {row['text']} {row['evidence']}"]
    return (*found, *(_of_case(row) for row in others))


def _with_case(one: compared.Difference, row: Mapping[Any, Any] | None) -> DifferenceView:
    return DifferenceView(
        kind=one.case.kind,
        subject=one.case.subject,
        text=one.case.text,
        cause=one.case.cause,
        owner=one.case.owner or "operator",
        case="" if row is None else row["id"],
        since=None if row is None else row["since"] or row["valid_from"],
    )


def _of_case(row: Mapping[Any, Any]) -> DifferenceView:
    return DifferenceView(
        kind=row["kind"],
        subject=row["subject"],
        text=row["text"],
        cause=row["cause"],
        owner=row["owner"] or "operator",
        case=row["id"],
        since=row["since"] or row["valid_from"],
    )
