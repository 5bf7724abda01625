"""Decides how resources are found and shown (TMF639 names): attributes, relationships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from inventory import bundles, history, link_rows, resource_parts, resource_rows, tables
from oss_agent import errors, selecting
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import Confidence, ResourceView, SpecificationRef

_V4_STATES: Final = {"enable": "enabled", "disable": "disabled", "shutdown": "shuttingDown"}
"""TMF639 v4 spells X.731's states so; both spellings may be asked for."""


def find(connection: sa.Connection, query: Query) -> Page[ResourceView]:
    """A page of a tenant's resources."""
    resource = resource_rows.union()
    found, total = _selection(resource).page(connection, query)
    rows = found.mappings().all()
    return Page(views_of(connection, rows, _heard(connection, query.tenant, rows)), total)


def get(connection: sa.Connection, tenant: str, key: str) -> ResourceView:
    """One resource by id; NotFound."""
    resource = resource_rows.union()
    rows = sa.select(resource).where(resource.c.tenant == tenant, resource.c.id == key)
    found = connection.execute(rows).mappings().all()
    if not found:
        raise errors.NotFound(f"resource {key}")
    return views_of(connection, found, _heard(connection, tenant, found))[0]


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
) -> tuple[ResourceView, ...]:
    """Rows of ``resource_rows`` as views, in the same order; all of one tenant.

    ``heard`` are the ports that a port is linked to by LLDP; declared links are looked up here.
    """
    contained = _ports_of(connection, [r["id"] for r in rows if r["category"] == "device"])
    devices = {r["device"] for r in rows if r["category"] == resource_rows.PORT}
    applied = _applied(connection, [r["id"] for r in rows if r["specification_id"] is not None])
    around = {**resource_parts.around(connection, rows), **applied}
    declared = _linked(connection, rows[0]["tenant"], devices) if devices else {}
    linked = _both(declared, heard or {})
    return tuple(_view(row, contained, linked, around.get(row["id"], ())) for row in rows)


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


def _ports_of(connection: sa.Connection, devices: Sequence[str]) -> Mapping[str, Sequence[str]]:
    rows = connection.execute(_CONTAINED, {"devices": devices}) if devices else ()
    return _grouped((device, f"{device}:{name}") for device, name in rows)


def _applied(
    connection: sa.Connection, ordered: Sequence[str]
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The ports that what was ordered by itself applies to."""
    rows = connection.execute(_APPLIED, {"ordered": ordered}) if ordered else ()
    found = _grouped((one, f"{device}:{port}") for one, device, port in rows)
    return {one: [("appliesTo", port) for port in ports] for one, ports in found.items()}


def _linked(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> Mapping[str, Sequence[str]]:
    """Declared links of these devices, both ways."""
    found = connection.execute(_LINKED, {"of_tenant": tenant, "devices": sorted(devices)})
    ends = [(f"{a}:{b}", f"{y}:{z}") for a, b, y, z in found]
    return _grouped([*ends, *((z, a) for a, z in ends)])


def _heard(
    connection: sa.Connection, tenant: str, rows: Sequence[Mapping[Any, Any]]
) -> Mapping[str, Sequence[str]]:
    """Links on which both ends agree, both ways; of a bundle both levels."""
    devices = {row["device"] for row in rows if row["category"] == resource_rows.PORT}
    links = link_rows.links_of(connection, tenant, devices) if devices else ()
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


def _contained() -> sa.Select[str, str]:
    c = tables.interfaces.c
    query = sa.select(c.device, c.name).where(
        history.current(tables.interfaces), c.device.in_(_DEVICES)
    )
    return query.distinct().order_by(c.name)


def _links() -> sa.Select[str, str, str, str]:
    c = tables.links.c
    return sa.select(c.a_device, c.a_port, c.z_device, c.z_port).where(
        history.current(tables.links),
        c.tenant == sa.bindparam("of_tenant"),
        sa.or_(c.a_device.in_(_DEVICES), c.z_device.in_(_DEVICES)),
    )


def _standing() -> sa.Select[str, str, str]:
    c = tables.service_resources.c
    mine = c.service.in_(sa.bindparam("ordered", expanding=True))
    return sa.select(c.service, c.device, c.port).where(
        history.current(tables.service_resources), mine
    )


_DEVICES: Final[sa.BindParameter[Any]] = sa.bindparam("devices", expanding=True)
# Made once: each order tells of its ports, and building such a statement costs more than running it.
_CONTAINED: Final = _contained()
_LINKED: Final = _links()
_APPLIED: Final = _standing()


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
