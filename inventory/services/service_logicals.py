"""Decides which VLANs and VRFs of a device support which services, both ways.

Related are those that a device is seen to have and that what was read back of the service there speaks of
(``configured_names``), of one tenant.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from inventory.facts import configured_names
from inventory.rows import history, tables
from inventory.rows.ownership import Holding
from inventory.services import resource_rows
from oss_agent.spi.moments import AsOf
from oss_agent.spi.tree import Tree
from oss_agent.spi.views import ServiceView

SUPPORTS: Final = "supports"
"""The relationship of a VLAN or VRF to a service."""
_T = tables.configured_logicals
_C, _L = _T.c, tables.logical.c
_SAME: Final = sa.and_(
    _L.device == _C.device, _L.kind == _C.kind, _L.name == _C.name, _L.tenant == _C.tenant
)
_HELD: Final = sa.select(_T).where(
    history.current(_T),
    _C.device == sa.bindparam("at_device"),
    _C.store == sa.bindparam("at_store"),
    _C.service == sa.bindparam("at_service"),
)


def supporting(when: AsOf | None = None) -> sa.Select[str, str]:
    """Every service with the id of each VLAN and VRF that supports it, now or as of a moment."""
    held = sa.and_(history.there(_T, when), history.there(tables.logical, when))
    key = resource_rows.logical_id().label("id")
    return sa.select(_C.service, key).select_from(_T.join(tables.logical, _SAME)).where(held)


def _of_services(held: Callable[[sa.FromClause], sa.ColumnElement[bool]]) -> sa.Select[str, str]:
    """A service and a resource that supports it."""
    named = _C.service.in_(sa.bindparam("services", expanding=True))
    key = resource_rows.logical_id().label("key")
    return (
        sa.select(_C.service, key)
        .select_from(_T.join(tables.logical, _SAME))
        .where(held(_T), held(tables.logical), named)
        .distinct()
        .order_by(_C.service, key)
    )


def _of_resources(
    held: Callable[[sa.FromClause], sa.ColumnElement[bool]],
) -> sa.Select[str, str, str, str, str]:
    """What is configured for whom under these names, on these devices."""
    return (
        sa.select(_C.device, _C.kind, _C.name, _C.tenant, _C.service)
        .where(
            held(_T),
            _C.device.in_(sa.bindparam("devices", expanding=True)),
            _C.name.in_(sa.bindparam("names", expanding=True)),
        )
        .distinct()
        .order_by(_C.service)
    )


_SERVICES, _SERVICES_THEN = (_of_services(held) for held in (history.current, history.then))
_RESOURCES, _RESOURCES_THEN = (_of_resources(held) for held in (history.current, history.then))
"""Made once: to build a statement costs several times as much as to run it."""


class Spoken(NamedTuple):
    """A VLAN or VRF that a service's part in a store speaks of, since when; and what was seen of it.

    ``seen`` is None where the device does not show it.
    """

    key: str
    store: str
    since: datetime
    known: datetime
    seen: Mapping[str, Any] | None
    seen_since: datetime | None
    seen_known: datetime | None


def spoken(connection: sa.Connection, service: str, when: AsOf | None = None) -> tuple[Spoken, ...]:
    """All that a service's configuration speaks of, by device, kind, name and store."""
    there = sa.and_(history.there(tables.logical, when), _SAME)
    query = (
        sa.select(
            _C.device + resource_rows.PART_OF + _C.kind + "=" + _C.name,
            _C.store,
            _C.valid_from,
            _C.known_from,
            _L.attributes,
            _L.valid_from,
            _L.known_from,
        )
        .select_from(_T.outerjoin(tables.logical, there))
        .where(history.there(_T, when), _C.service == service)
        .order_by(_C.device, _C.kind, _C.name, _C.store)
    )
    return tuple(Spoken(*row) for row in connection.execute(query))


def record(
    connection: sa.Connection, whose: Holding, part: Tree, *, tenant: str, at: datetime
) -> None:
    """What a service's part in a store speaks of now; an empty part speaks of nothing."""
    here = {"device": whose.device, "store": whose.store, "service": whose.service}
    asked = {f"at_{name}": value for name, value in here.items()}
    rows = connection.execute(_HELD, asked).mappings().all()
    before = {(row["kind"], row["name"]): row for row in rows}
    wanted = configured_names.named(part)
    history.end_rows(connection, _T, [r for key, r in before.items() if key not in wanted], at)
    new = [
        {**here, "tenant": tenant, "kind": kind, "name": name}
        for kind, name in wanted
        if (kind, name) not in before
    ]
    history.begin_all(connection, _T, new, at)


def supported(
    connection: sa.Connection, services: Sequence[ServiceView], when: AsOf | None = None
) -> tuple[ServiceView, ...]:
    """The same services, with the VLANs and VRFs that support them behind their ports."""
    if not services:
        return ()
    asked = {"services": [one.id for one in services], **history.moment(when)}
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = _SERVICES if when is None else _SERVICES_THEN
    for service, key in connection.execute(query, asked):
        found[service].append(key)
    return tuple(
        dataclasses.replace(one, supporting_resources=(*one.supporting_resources, *found[one.id]))
        if one.id in found
        else one
        for one in services
    )


def of_resources(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]], when: AsOf | None = None
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """(relationship, service) by resource, for VLANs and VRFs as ``resource_rows`` has them."""
    keys = {row["id"]: _name(row) for row in rows}
    if not keys:
        return {}
    asked = {
        "devices": sorted({device for device, _, _, _ in keys.values()}),
        "names": sorted({name for _, _, name, _ in keys.values()}),
        **history.moment(when),
    }
    found: defaultdict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    query = _RESOURCES if when is None else _RESOURCES_THEN
    for *name, service in connection.execute(query, asked):
        found[tuple(name)].append((SUPPORTS, service))
    return {key: found[name] for key, name in keys.items() if name in found}


def _name(row: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    """Device, kind, name and tenant."""
    begins = f"{row['device']}{resource_rows.PART_OF}{row['kind']}="
    return (row["device"], row["kind"], row["id"].removeprefix(begins), row["tenant"])
