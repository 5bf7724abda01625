"""Decides what is told of resources: what a unit makes of them, in the unit that does it.

Rows are compared before and after; relationships are shown, but a change of them alone is not told.
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from inventory.rows import tables
from inventory.services import resource_queries, resource_rows
from oss_agent.spi import events, views

_Row: TypeAlias = Mapping[Any, Any]
_STATES: Final = {
    "administrative_state": "administrativeState",
    "operational_state": "operationalState",
    "usage_state": "usageState",
    "resource_status": "resourceStatus",
}
"""Columns whose change is a change of state, by the names of TMF639."""
_OURS: Final = frozenset({"tenant", "start_date", "service", "order_id"})
"""Columns that nobody is shown, or that change with every version of a row."""


@dataclass(frozen=True, slots=True)
class Some:
    """Which resources: devices, ports by (device, port), values by key.

    ``ports_of`` are devices with all their ports, ``parts_of`` with all their parts, VLANs and VRFs.

    ``by_itself`` are the ids of those that were ordered by themselves.
    """

    devices: frozenset[str] = frozenset()
    ports: frozenset[tuple[str, str]] = frozenset()
    ports_of: frozenset[str] = frozenset()
    parts_of: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    by_itself: frozenset[str] = frozenset()


class Teller:
    """Tells ``sink``; without one nothing is looked at, either."""

    def __init__(self, sink: events.EventSink | None = None) -> None:
        self._sink = sink

    @contextlib.contextmanager
    def around(self, connection: sa.Connection, some: Some, at: datetime) -> Iterator[None]:
        """Whatever is done inside to ``some``, and to no others, is told."""
        if self._sink is None:
            yield
            return
        before = _rows(connection, some)
        yield
        for event in _events(connection, before, _rows(connection, some), at):
            self._sink(connection, event)


def _rows(connection: sa.Connection, some: Some) -> dict[str, _Row]:
    """The current rows, by id."""
    asked: list[tuple[sa.Select[Any], dict[str, Any]]] = []
    if some.devices:
        asked.append((_devices(), {"names": sorted(some.devices)}))
    if some.ports:
        named = {
            "devices": sorted({d for d, _ in some.ports}),
            "ports": sorted({p for _, p in some.ports}),
        }
        asked.append((_ports(), named))
    if some.ports_of:
        asked.append((_ports_of(), {"devices": sorted(some.ports_of)}))
    if some.parts_of:
        asked.append((_parts_of(), {"devices": sorted(some.parts_of)}))
        asked.append((_logicals_of(), {"devices": sorted(some.parts_of)}))
    if some.keys:
        asked.append((_values(), {"keys": sorted(some.keys)}))
    if some.by_itself:
        asked.append((_by_themselves(), {"ids": sorted(some.by_itself)}))
    return {
        row["id"]: row
        for select, values in asked
        for row in connection.execute(select, values).mappings()
    }


# Made once each: building such a statement costs more than running it.
@functools.cache
def _devices() -> sa.Select[Any]:
    return resource_rows.devices().where(tables.devices.c.name.in_(_several("names")))


@functools.cache
def _ports() -> sa.Select[Any]:
    return _ports_of().where(tables.interfaces.c.name.in_(_several("ports")))


@functools.cache
def _ports_of() -> sa.Select[Any]:
    return resource_rows.ports().where(tables.interfaces.c.device.in_(_several("devices")))


@functools.cache
def _parts_of() -> sa.Select[Any]:
    return resource_rows.parts().where(tables.components.c.device.in_(_several("devices")))


@functools.cache
def _logicals_of() -> sa.Select[Any]:
    return resource_rows.logicals().where(tables.logical.c.device.in_(_several("devices")))


@functools.cache
def _values() -> sa.Select[Any]:
    return resource_rows.values().where(tables.pool_claims.c.key.in_(_several("keys")))


@functools.cache
def _by_themselves() -> sa.Select[Any]:
    return resource_rows.by_themselves().where(tables.services.c.id.in_(_several("ids")))


def _several(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True)


def _events(
    connection: sa.Connection,
    before: Mapping[str, _Row],
    after: Mapping[str, _Row],
    at: datetime,
) -> Iterator[events.Event]:
    """What came, changed and went, each with the view that it has now or had last."""
    told = functools.partial(_told, connection, at)
    came = [row for key, row in after.items() if key not in before]
    rested = _rested(connection, came, at)
    yield from told(
        [row for row in came if row["id"] not in rested], events.EventKind.RESOURCE_CREATE
    )
    yield from told(
        [row for row in came if row["id"] in rested],
        events.EventKind.RESOURCE_STATE,
        lambda _: ("resourceStatus", "usageState"),
    )
    both = [row for key, row in after.items() if key in before]
    for kind, names in (
        (events.EventKind.RESOURCE_STATE, _states),
        (events.EventKind.RESOURCE_CHANGE, _attributes),
    ):

        def changed(
            row: _Row, of: Callable[[_Row, _Row], tuple[str, ...]] = names
        ) -> tuple[str, ...]:
            return of(before[row["id"]], row)

        yield from told([row for row in both if changed(row)], kind, changed)
    gone = [row for key, row in before.items() if key not in after]
    yield from told(gone, events.EventKind.RESOURCE_DELETE)


def _rested(connection: sa.Connection, came: Sequence[_Row], at: datetime) -> frozenset[str]:
    """Values that were there, at rest after another's use, until this very moment."""
    values = [row for row in came if row["pool"] is not None]
    if not values:
        return frozenset()
    named = {"pools": {row["pool"] for row in values}, "texts": {row["value"] for row in values}}
    asked = {name: sorted(several) for name, several in named.items()}
    return frozenset(connection.execute(_ended(), {"ended": at, **asked}).scalars())


@functools.cache
def _ended() -> sa.Select[Any]:
    c = tables.pool_claims.c
    text = sa.func.coalesce(c.text, sa.cast(c.value, sa.String))
    return sa.select(c.pool + ":" + text).where(
        c.known_to == sa.bindparam("ended"),
        c.pool.in_(_several("pools")),
        text.in_(_several("texts")),
    )


def _states(before: _Row, after: _Row) -> tuple[str, ...]:
    return tuple(name for column, name in _STATES.items() if before[column] != after[column])


def _attributes(before: _Row, after: _Row) -> tuple[str, ...]:
    others = {name for name in after if name not in _STATES and name not in _OURS}
    differ = {name for name in others if before[name] != after[name]}
    shown = {"name": "name", "category": "category", "specification_id": "resourceSpecification"}
    shown |= {"specification_version": "resourceSpecification"}
    return tuple(sorted({shown.get(name, "resourceCharacteristic") for name in differ}))


def _told(
    connection: sa.Connection,
    at: datetime,
    rows: Sequence[_Row],
    kind: events.EventKind,
    changed: Callable[[_Row], tuple[str, ...]] = lambda _: (),
) -> Iterator[events.Event]:
    """One event a row. Its id is drawn: a port may be freed and taken at the same moment."""
    shown = resource_queries.views_of(connection, rows) if rows else ()
    for row, view in zip(rows, shown, strict=True):
        yield events.Event(
            id=f"resource-{uuid.uuid4()}",
            kind=kind,
            tenant=view.tenant,
            entity=f"resource:{view.id}",
            at=at,
            payload=views.as_json(view),
            changed=changed(row),
        )
