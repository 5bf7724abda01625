"""Decides how resources are found and shown (TMF639 names): attributes, relationships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.services import resource_logicals, resource_parts, resource_rows
from inventory.topology import bundles, link_rows
from oss_agent import errors, selecting
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import Confidence, ResourceView, SpecificationRef

_V4_STATES: Final = {"enable": "enabled", "disable": "disabled", "shutdown": "shuttingDown"}
"""TMF639 v4 spells X.731's states so; both spellings may be asked for."""


def find(connection: sa.Connection, query: Query, when: AsOf | None = None) -> Page[ResourceView]:
    """A page of a tenant's resources, now or as of a moment."""
    resource = resource_rows.union(when)
    found, total = _selection(resource).page(connection, query)
    rows = found.mappings().all()
    heard = _heard(connection, query.tenant, rows, when)
    return Page(views_of(connection, rows, heard, when), total)


def get(connection: sa.Connection, tenant: str, key: str, when: AsOf | None = None) -> ResourceView:
    """One resource by id, now or as of a moment; NotFound."""
    resource = resource_rows.union(when)
    rows = sa.select(resource).where(resource.c.tenant == tenant, resource.c.id == key)
    found = connection.execute(rows).mappings().all()
    if not found:
        then = "" if when is None else f" at {rfc3339(when.valid)}, as far as is known,"
        raise errors.NotFound(f"resource {key}{then}")
    return views_of(connection, found, _heard(connection, tenant, found, when), when)[0]


def _selection(resource: sa.Subquery) -> selecting.Selection:
    c = resource.c
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": c.id,
        "name": c.name,
        "category": c.category,
        "usageState": c.usage_state,
        "resourceStatus": c.resource_status,
    }
    attributes = {
        **selecting.texts(text),
        "administrativeState": selecting.Attribute(c.administrative_state, _state),
        "operationalState": selecting.Attribute(c.operational_state, _state),
        "startOperatingDate": selecting.Attribute(c.start_date, selecting.moment),
    }
    return selecting.Selection(sa.select(resource), c.tenant, attributes, c.id)


def _state(text: str) -> str:
    return _V4_STATES.get(text, selecting.clean(text))


def views_of(
    connection: sa.Connection,
    rows: Sequence[Mapping[Any, Any]],
    heard: Mapping[str, Sequence[str]] | None = None,
    when: AsOf | None = None,
) -> tuple[ResourceView, ...]:
    """Rows of ``resource_rows`` as views, in the same order; all of one tenant and moment.

    ``heard`` are the ports that a port is linked to by LLDP; declared links are looked up here.
    """
    read = _Reader(connection, _NOW if when is None else _THEN, history.moment(when))
    contained = read.ports_of([r["id"] for r in rows if r["category"] == "device"])
    devices = {r["device"] for r in rows if r["category"] == resource_rows.PORT}
    applied = read.applied([r["id"] for r in rows if r["specification_id"] is not None])
    around = _joined(
        resource_parts.around(connection, rows, when),
        resource_logicals.around(connection, rows, when),
        applied,
    )
    declared = read.linked(rows[0]["tenant"], devices) if devices else {}
    linked = _both(declared, heard or {})
    return tuple(_view(row, contained, linked, around.get(row["id"], ())) for row in rows)


def _joined(
    *several: Mapping[str, Sequence[tuple[str, str]]],
) -> Mapping[str, Sequence[tuple[str, str]]]:
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in several:
        for key, related in each.items():
            found[key] += related
    return found


def _view(
    row: Mapping[Any, Any],
    contained: Mapping[str, Sequence[str]],
    linked: Mapping[str, Sequence[str]],
    around: Sequence[tuple[str, str]],
) -> ResourceView:
    related = [("contains", port) for port in contained.get(row["id"], ())]
    if row["category"] == resource_rows.PORT:
        related.append(("isContainedIn", row["device"]))
        related += [("isConnectedTo", port) for port in linked.get(row["id"], ())]
    related += around
    shown = {name: row[name] for name in resource_rows.CHARACTERISTICS if row[name] is not None}
    words = (row["specification_id"], row["specification_version"], row["specification_name"])
    return ResourceView(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        category=row["category"],
        administrative_state=row["administrative_state"],
        operational_state=row["operational_state"],
        usage_state=row["usage_state"],
        resource_status=row["resource_status"],
        characteristics=shown | (row["said"] or {}),
        relationships=tuple(related),
        start_date=row["start_date"],
        specification=None if words[0] is None else SpecificationRef(*words),
    )


class _Statements(NamedTuple):
    """Ports of devices, declared links of devices, and the ports that services stand on."""

    contained: sa.Select[str, str]
    linked: sa.Select[str, str, str, str]
    applied: sa.Select[str, str, str]


@dataclass(frozen=True, slots=True)
class _Reader:
    """What resources are related to, as it was at one moment."""

    connection: sa.Connection
    statements: _Statements
    moment: Mapping[str, Any]

    def ports_of(self, devices: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Ids of the ports of these devices."""
        asked = {"devices": devices, **self.moment}
        rows = self.connection.execute(self.statements.contained, asked) if devices else ()
        return _grouped((device, f"{device}:{name}") for device, name in rows)

    def applied(self, ordered: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
        """The ports that what was ordered by itself applies to."""
        asked = {"ordered": ordered, **self.moment}
        rows = self.connection.execute(self.statements.applied, asked) if ordered else ()
        found = _grouped((one, f"{device}:{port}") for one, device, port in rows)
        return {one: [("appliesTo", port) for port in ports] for one, ports in found.items()}

    def linked(self, tenant: str, devices: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Declared links of these devices, both ways."""
        asked = {"of_tenant": tenant, "devices": sorted(devices), **self.moment}
        found = self.connection.execute(self.statements.linked, asked)
        ends = [(f"{a}:{b}", f"{y}:{z}") for a, b, y, z in found]
        return _grouped([*ends, *((z, a) for a, z in ends)])


def _heard(
    connection: sa.Connection,
    tenant: str,
    rows: Sequence[Mapping[Any, Any]],
    when: AsOf | None,
) -> Mapping[str, Sequence[str]]:
    """Links on which both ends agree, both ways; of a bundle both levels."""
    devices = {row["device"] for row in rows if row["category"] == resource_rows.PORT}
    links = link_rows.links_of(connection, tenant, devices, when) if devices else ()
    ends = [
        (f"{link.a_device}:{link.a_port}", f"{link.z_device}:{link.z_port}")
        for link in bundles.levels(links)
        if link.confidence is Confidence.AGREED and bundles.is_real(link)
    ]
    return _grouped([*ends, *((z, a) for a, z in ends)])


def _both(
    declared: Mapping[str, Sequence[str]], heard: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[str]]:
    """Each far end once."""
    return {
        port: tuple(dict.fromkeys((*declared.get(port, ()), *heard.get(port, ()))))
        for port in declared.keys() | heard.keys()
    }


_DEVICES: Final[sa.BindParameter[Any]] = sa.bindparam("devices", expanding=True)


def _statements(held: Callable[[sa.FromClause], sa.ColumnElement[bool]]) -> _Statements:
    i, k, r = tables.interfaces.c, tables.links.c, tables.service_resources.c
    contained = sa.select(i.device, i.name).where(held(tables.interfaces), i.device.in_(_DEVICES))
    ends = sa.or_(k.a_device.in_(_DEVICES), k.z_device.in_(_DEVICES))
    ordered = r.service.in_(sa.bindparam("ordered", expanding=True))
    return _Statements(
        contained.distinct().order_by(i.name),
        sa.select(k.a_device, k.a_port, k.z_device, k.z_port).where(
            held(tables.links), k.tenant == sa.bindparam("of_tenant"), ends
        ),
        sa.select(r.service, r.device, r.port).where(held(tables.service_resources), ordered),
    )


_NOW, _THEN = _statements(history.current), _statements(history.then)
# Made once: each order tells of its ports, and building such a statement costs more than running it.


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
