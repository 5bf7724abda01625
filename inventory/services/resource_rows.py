"""Decides what a resource is: a SELECT over devices, ports, parts, VLANs, VRFs, pool values, and orders'.

Ids are the words people use: ``pe1``, ``pe1:eth4``, ``core-vni:10100``; a part's is its place in its
device, ``pe1~chassis-1.module-2``, a VLAN's and a VRF's its kind and name, ``pe1~vlan=100``; what was ordered by itself has the id that its order gave it,
``r17-1``. States are X.731's; the
surface spells them as its edition wants.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from inventory.facts import logical_facts
from inventory.rows import column_types, history, tables
from oss_agent.spi import views
from oss_agent.spi.moments import AsOf

DEVICE = "device"
PORT = "port"
PART = "part"
PART_OF = "~"
LOGICAL = "logical"


def union(when: AsOf | None = None) -> sa.Subquery:
    """Every resource of every tenant, now or as of a moment; columns not theirs are NULL."""
    kinds = (devices, ports, parts, logicals, values, by_themselves)
    every = (kind(when) for kind in kinds)
    return sa.union_all(*every).subquery("resource")


def devices(when: AsOf | None = None) -> sa.Select[Any]:
    """Every device. When one answered is overwritten, not kept: of the past that is not known."""
    d, s, k = tables.devices, tables.sightings, tables.device_keys
    then = sa.literal(when is not None)
    unreachable = s.c.unreachable_since.is_not(None)
    pinned = sa.exists(sa.select(k.c.row).where(history.there(k, when), k.c.device == d.c.name))
    return (
        _row(
            id=d.c.name,
            tenant=d.c.tenant,
            name=d.c.name,
            category=sa.literal(DEVICE),
            administrative_state=sa.case((d.c.managed, "unlocked"), else_="locked"),
            operational_state=sa.case(
                (then, "unknown"), (unreachable, "disabled"), else_="enabled"
            ),
            usage_state=sa.case((_any_claim(d.c.name, when), "active"), else_="idle"),
            resource_status=sa.case(
                (sa.or_(then, s.c.last_seen.is_(None), unreachable), "unknown"),
                (pinned, "available"),
                else_="suspended",
            ),
            start_date=d.c.valid_from,
            device=d.c.name,
            platform=d.c.platform,
            address=d.c.address,
            role=d.c.role,
            site=d.c.site,
        )
        .select_from(d.outerjoin(s, s.c.device == d.c.name))
        .where(history.there(d, when))
    )


def ports(when: AsOf | None = None) -> sa.Select[Any]:
    """A port once, whether planned, observed or both; what was observed stands."""
    known, seen, held = tables.interfaces, tables.interfaces.alias("seen"), tables.port_claims
    observed = sa.and_(
        history.there(seen, when),
        seen.c.ledger == tables.OBSERVED,
        seen.c.device == known.c.device,
        seen.c.name == known.c.name,
    )
    claimed = sa.and_(
        history.there(held, when), held.c.device == known.c.device, held.c.port == known.c.name
    )
    once = sa.or_(known.c.ledger == tables.OBSERVED, seen.c.row.is_(None))
    return (
        _row(
            id=known.c.device + ":" + known.c.name,
            tenant=known.c.tenant,
            name=known.c.name,
            category=sa.literal(PORT),
            administrative_state=sa.case(
                (seen.c.admin_status == "down", "locked"), else_="unlocked"
            ),
            operational_state=sa.case((seen.c.oper_status == "up", "enabled"), else_="disabled"),
            usage_state=sa.case((held.c.row.is_not(None), "busy"), else_="idle"),
            resource_status=sa.case(
                (held.c.row.is_not(None), "reserved"),
                (seen.c.row.is_(None), "unknown"),
                else_="available",
            ),
            start_date=known.c.valid_from,
            device=known.c.device,
            ifindex=seen.c.ifindex,
            speed=seen.c.speed,
            mac=seen.c.mac,
            description=seen.c.description,
            place=seen.c.place,
            service=held.c.service,
            order_id=held.c.order_id,
        )
        .select_from(known.outerjoin(seen, observed).outerjoin(held, claimed))
        .where(history.there(known, when), once)
    )


def parts(when: AsOf | None = None) -> sa.Select[Any]:
    """Every part that is no port of ours by another name; sensors are not things one can own."""
    c = tables.components.c
    words = ("maker", "model", "serial", "hardware", "firmware", "software", "description")
    return _row(
        id=c.device + PART_OF + c.place,
        tenant=c.tenant,
        name=sa.case((c.name == "", c.place), else_=c.name),
        category=sa.literal(PART),
        administrative_state=sa.literal("unlocked"),
        operational_state=sa.literal("enabled"),
        usage_state=sa.literal("active"),
        resource_status=sa.literal("available"),
        start_date=c.valid_from,
        device=c.device,
        place=c.place,
        parent=c.parent,
        kind=c.kind,
        **{word: sa.func.nullif(c[word], "") for word in words},
    ).where(history.there(tables.components, when), c.interface.is_(None), c.kind != "sensor")


def logical_id() -> sa.ColumnElement[str]:
    """``pe1~vlan=100``: no part's place has this form, for its kinds are others."""
    c = tables.logical.c
    return c.device + PART_OF + c.kind + "=" + c.name


def logicals(when: AsOf | None = None) -> sa.Select[Any]:
    """Every VLAN and VRF that a device has; its neighbours are no resources of ours."""
    c = tables.logical.c
    state = sa.type_coerce(c.attributes, sa.JSON)["state"].as_string()
    return _row(
        id=logical_id(),
        tenant=c.tenant,
        name=c.kind + " " + c.name,
        category=sa.literal(LOGICAL),
        administrative_state=sa.literal("unlocked"),
        operational_state=sa.case((state == "down", "disabled"), else_="enabled"),
        usage_state=sa.literal("active"),
        resource_status=sa.literal("available"),
        start_date=c.valid_from,
        device=c.device,
        kind=c.kind,
        said=c.attributes,
    ).where(history.there(tables.logical, when), c.kind.in_(logical_facts.RESOURCES))


def values(when: AsOf | None = None) -> sa.Select[Any]:
    """Every pool value in use, reserved, or at rest after its use."""
    c = tables.pool_claims.c
    rests = c.released_at.is_not(None)
    text = sa.func.coalesce(c.text, sa.cast(c.value, sa.String))
    return _row(
        id=c.pool + ":" + text,
        tenant=c.tenant,
        name=c.pool + " " + text,
        category=sa.literal(LOGICAL),
        administrative_state=sa.literal("unlocked"),
        operational_state=sa.literal("enabled"),
        usage_state=sa.case((sa.or_(rests, c.expires_at.is_not(None)), "idle"), else_="busy"),
        resource_status=sa.case((rests, "standby"), else_="reserved"),
        start_date=c.valid_from,
        pool=c.pool,
        value=text,
        key=c.key,
    ).where(history.there(tables.pool_claims, when))


def by_themselves(when: AsOf | None = None) -> sa.Select[Any]:
    """What was ordered by itself, until it is deleted: reserved before it is there."""
    c = tables.services.c
    there = c.state == views.ServiceState.ACTIVE.value
    return _row(
        id=c.id,
        tenant=c.tenant,
        name=c.name,
        category=sa.literal(LOGICAL),
        administrative_state=sa.literal("unlocked"),
        operational_state=sa.case((there, "enabled"), else_="disabled"),
        usage_state=sa.case((there, "active"), else_="idle"),
        resource_status=sa.case((there, "available"), else_="reserved"),
        start_date=c.start_date,
        order_id=c.order_id,
        specification_id=c.specification_id,
        specification_version=c.specification_version,
        specification_name=c.specification_name,
        said=c.characteristics,
    ).where(
        history.there(tables.services, when),
        c.category == views.BY_ITSELF,
        c.state != views.ServiceState.TERMINATED.value,
    )


_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "device": sa.String(),
    "platform": sa.String(),
    "address": sa.String(),
    "role": sa.String(),
    "site": sa.String(),
    "ifindex": sa.BigInteger(),
    "speed": sa.BigInteger(),
    "mac": sa.String(),
    "description": sa.String(),
    "place": sa.String(),
    "parent": sa.String(),
    "kind": sa.String(),
    "maker": sa.String(),
    "model": sa.String(),
    "serial": sa.String(),
    "hardware": sa.String(),
    "firmware": sa.String(),
    "software": sa.String(),
    "service": sa.String(),
    "order_id": sa.String(),
    "pool": sa.String(),
    "value": sa.String(),
    "key": sa.String(),
    "specification_id": sa.String(),
    "specification_version": sa.String(),
    "specification_name": sa.String(),
    "said": column_types.Json(),
}
_OF_ORDERS = {"said", *(name for name in _KINDS if name.startswith("specification"))}
_OTHERWISE = {"service", "order_id", "parent", *_OF_ORDERS}
CHARACTERISTICS = tuple(name for name in _KINDS if name not in _OTHERWISE)
"""Columns that a resource shows as characteristics where it has them."""


def _row(**columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """One arm of the union: the common columns, then every kind's own, typed NULL where absent."""
    own = [columns.pop(name, sa.cast(sa.null(), kind)).label(name) for name, kind in _KINDS.items()]
    return sa.select(*(column.label(name) for name, column in columns.items()), *own)


def _any_claim(device: sa.ColumnElement[str], when: AsOf | None) -> sa.ColumnElement[bool]:
    c = tables.port_claims
    return sa.exists(sa.select(c.c.row).where(history.there(c, when), c.c.device == device))
