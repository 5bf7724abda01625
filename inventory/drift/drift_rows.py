"""Decides what of the rows an audit needs, and what becomes of what it found: cases, and its age."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from inventory.drift import drift, pool_audits
from inventory.rows import cases, history, tables
from oss_agent import errors
from oss_agent.spi import tree
from oss_agent.spi.cases import Decision
from oss_agent.spi.drift import Audited, Difference, Kind

KINDS: Final = tuple(kind.value for kind in Kind)
_CAUSE: Final = (
    "somebody or something other than this agent changed it; the device does not say who, its own "
    "log may"
)
_NAMED: Final = 5
"""Services that one sentence names."""
_ANOTHER: Final = "a service of another tenant"
_C = tables.configured.c
_AUDITS = tables.audits


@dataclass(frozen=True, slots=True)
class Ground:
    """What a device should hold of ours, by store.

    ``names`` are the services', ``customers`` whose they are, both for people. ``read_at`` is since when
    what is configured in (store, service) is as it is. ``resting`` are the services' released values
    that nobody has seen to be gone.
    """

    tenant: str
    platform: str
    parts: Mapping[str, tuple[drift.Part, ...]]
    names: Mapping[str, str]
    customers: Mapping[str, str]
    read_at: Mapping[tuple[str, str], datetime]
    resting: tuple[pool_audits.Rest, ...] = ()

    def since(self, one: Difference) -> datetime:
        """Since when it may have been changed: its last owner's order was done then."""
        return max(self.read_at[one.store, service] for service in one.services)


class Turn(NamedTuple):
    """A device that is to be audited.

    ``since``: when it was last judged, or got something of ours. ``troubled``: it has open cases, or
    could not be judged when that was tried. ``expecting``: a value of a service on it was released since,
    and nobody has seen it to be gone.
    """

    tenant: str
    since: datetime
    tried_at: datetime | None
    troubled: bool
    expecting: bool = False


def ground(connection: sa.Connection, device: str) -> Ground:
    """Of one device. NotFound when there is none of this name."""
    d, s = tables.devices, tables.services
    one = sa.select(d.c.tenant, d.c.platform).where(history.current(d), d.c.name == device)
    found = connection.execute(one).first()
    if found is None:
        raise errors.NotFound(f"device {drift.plain(device)}")
    query = (
        sa.select(_C.store, _C.service, _C.tree, _C.valid_from, s.c.name, s.c.tenant, s.c.customer)
        .select_from(
            tables.configured.outerjoin(s, sa.and_(s.c.id == _C.service, history.current(s)))
        )
        .where(history.current(tables.configured), _C.device == device)
        .order_by(_C.store, _C.service)
    )
    parts: dict[str, list[drift.Part]] = {}
    names: dict[str, str] = {}
    customers: dict[str, str] = {}
    read_at: dict[tuple[str, str], datetime] = {}
    for row in connection.execute(query):
        parts.setdefault(row.store, []).append(drift.Part(row.service, tree.from_json(row.tree)))
        read_at[row.store, row.service] = row.valid_from
        mine = row.tenant == found.tenant and row.name
        names[row.service] = f"{row.name} ({row.service})" if mine else _ANOTHER
        customers[row.service] = row.customer if mine else ""
    whole = {store: tuple(several) for store, several in parts.items()}
    resting = pool_audits.resting(connection, names.keys())
    return Ground(found.tenant, found.platform, whole, names, customers, read_at, resting)


def turns(connection: sa.Connection) -> Mapping[str, Turn]:
    """Every managed device that has something of ours, or an open case that says it had."""
    d, a = tables.devices, _AUDITS.c
    ours = sa.and_(history.current(tables.configured), _C.device == d.c.name)
    first = sa.select(sa.func.min(_C.valid_from)).where(ours).scalar_subquery()
    of = tables.cases
    cased = sa.exists().where(history.current(of), of.c.device == d.c.name, of.c.kind.in_(KINDS))
    failed = sa.func.coalesce(a.reason, "") != ""
    query = (
        sa.select(
            d.c.name,
            d.c.tenant,
            # In this order: to look for the first is not needed where it was judged once.
            sa.func.coalesce(a.audited_at, first, d.c.valid_from).label("since"),
            a.tried_at,
            sa.or_(cased, failed).label("troubled"),
        )
        .select_from(d.outerjoin(_AUDITS, a.device == d.c.name))
        .where(history.current(d), d.c.managed, sa.or_(sa.exists().where(ours), cased))
    )
    released = pool_audits.released(connection)
    return {row.name: _turn(row, released.get(row.name)) for row in connection.execute(query)}


def _turn(row: Any, released: datetime | None) -> Turn:
    expecting = released is not None and row.since <= released
    return Turn(row.tenant, row.since, row.tried_at, bool(row.troubled), expecting)


def standing_on(connection: sa.Connection, tenant: str, target: str) -> tuple[str, ...]:
    """The device of this name, or the devices that a service (id or name) has something on."""
    d, s = tables.devices.c, tables.services.c
    device = sa.select(d.name).where(
        history.current(tables.devices), d.tenant == tenant, d.name == target
    )
    named = connection.execute(device).scalar()
    if named is not None:
        return (named,)
    whose = sa.select(s.id).where(
        history.current(tables.services),
        s.tenant == tenant,
        sa.or_(s.id == target, s.name == target),
    )
    services = connection.execute(whose).scalars().all()
    if not services:
        raise errors.NotFound(f"a device or service {drift.plain(target)}")
    query = sa.select(_C.device).where(
        history.current(tables.configured), _C.service.in_(services), _C.tenant == tenant
    )
    return tuple(connection.execute(query.distinct().order_by(_C.device)).scalars())


def settle(
    connection: sa.Connection,
    found: Ground,
    told: Audited,
    without: Collection[tuple[str, int]] = (),
) -> None:
    """The device was judged: its cases are what was found, and its age begins anew.

    ``without`` are (store, claim) of released values that were not found.
    """
    every = [_case(told.device, one, found) for one in told.differences]
    if told.more:
        every.append(_rest(told))
    cases.settle(connection, found.tenant, told.device, KINDS, every, told.at)
    number = len(told.differences) + told.more
    seen = {store: [row for at, row in sorted(without) if at == store] for store, _ in without}
    row = {
        "audited_at": told.at,
        "tried_at": told.at,
        "reason": "",
        "differences": number,
        "without": seen or None,
    }
    _keep(connection, found.tenant, told.device, row)


def note_failure(connection: sa.Connection, tenant: str, told: Audited) -> None:
    """It could not be judged: what was known of it stays, and its age goes on."""
    _keep(connection, tenant, told.device, {"tried_at": told.at, "reason": told.reason})


def oldest_age(connection: sa.Connection, now: datetime) -> float:
    """Seconds since the device that waits longest was judged, or got something of ours."""
    ages = ((now - one.since).total_seconds() for one in turns(connection).values())
    return max(ages, default=0.0)


def _keep(connection: sa.Connection, tenant: str, device: str, row: Mapping[str, Any]) -> None:
    mine = _AUDITS.c.device == device
    if not connection.execute(_AUDITS.update().where(mine).values(**row)).rowcount:
        connection.execute(_AUDITS.insert().values(device=device, tenant=tenant, **row))


def subject(device: str, path: str) -> str:
    """What a case of drift is about."""
    return f"{device}:{path}"


def case_id(device: str, one: Difference) -> str:
    """Which case this difference is."""
    return _seen(device, one).id


def _seen(device: str, one: Difference) -> cases.Case:
    return cases.Case(device, subject(device, one.path), one.kind, _evidence(one), _sentence(one))


def _case(device: str, one: Difference, found: Ground) -> cases.Case:
    seen, whose = _seen(device, one), _whose(one, found)
    customers = {found.customers.get(service, "") for service in one.services}
    actions = _actions(one, found)
    do = "accept it, or put it back on the device"
    if Decision.REVERT in actions:
        do = f"revert: an order puts back all of {whose}; adopt: it takes all edits as they are"
    return dataclasses.replace(
        seen,
        text=f"{seen.text}; it belongs to {whose}",
        cause=f"changed by {one.who}, the device says" if one.who else _CAUSE,
        action=do,
        actions=actions,
        owner=", ".join(sorted(customers - {""})),
    )


def _actions(one: Difference, found: Ground) -> tuple[str, ...]:
    """What an order of ours could do: another tenant's service is not ours to order."""
    if any(found.names.get(service, _ANOTHER) == _ANOTHER for service in one.services):
        return cases.HARMLESS
    alone = len(one.services) == 1
    revert = alone or one.kind is not Kind.EXTRA
    wanted = ((Decision.REVERT.value, revert), (Decision.ADOPT.value, alone))
    return (*cases.HARMLESS, *(word for word, safe in wanted if safe))


def _whose(one: Difference, found: Ground) -> str:
    names = [found.names.get(service, service) for service in one.services]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _sentence(one: Difference) -> str:
    if one.kind is Kind.MISSING:
        return f"{one.path} is not there; configured was {one.was}"
    if one.kind is Kind.EXTRA:
        return f"{one.path} is there ({one.now}); nobody ordered it"
    return f"{one.path} is {one.now}; configured was {one.was}"


def _evidence(one: Difference) -> str:
    told = f"{one.store}: was {one.was or 'absent'}, is {one.now or 'absent'}"
    return f"{told} #{one.mark}" if one.mark else told


def _rest(told: Audited) -> cases.Case:
    """A device that lost everything is one story, and no thousand cases."""
    seen = hashlib.sha256(repr(told.differences).encode()).hexdigest()[:8]
    return cases.Case(
        device=told.device,
        subject=told.device,
        kind=Kind.CHANGED,
        evidence=f"{told.more} more differences beside {seen}",
        text=f"{told.more} more differences than are listed: the device lost or was given much",
        cause=_CAUSE,
        action="look at the whole device first: oss-agent drift check " + told.device,
    )


def bounded(differences: Sequence[Difference], most: int) -> tuple[tuple[Difference, ...], int]:
    """The first ``most`` of them, and how many more there are."""
    return tuple(differences[:most]), max(0, len(differences) - most)
