"""Decides whose a line of configuration is.

Ownership is by path text (``/services/eline[name=acme]``) within one configuration store of a
device: a service that owns a node owns all below it. It survives out-of-band edits, because it is
ours and not the device's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi import onboarding, tree

_MANY = 10_000
"""Nodes an answer names: what a person can search in, and what memory can hold."""
_C = tables.ownership.c
_IN_STORE = sa.and_(
    history.current(tables.ownership),
    _C.device == sa.bindparam("at_device"),
    _C.store == sa.bindparam("at_store"),
)
_OWNED = sa.select(tables.ownership).where(_IN_STORE, _C.service == sa.bindparam("at_service"))
_AROUND = sa.select(_C.service).where(
    _IN_STORE,
    sa.or_(
        _C.path.in_(sa.bindparam("upwards", expanding=True)),
        # By substr, not LIKE: key values may hold % and _.
        sa.func.substr(_C.path, 1, sa.bindparam("length")) == sa.bindparam("below"),
    ),
)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one service has in one configuration store of one device."""

    service: str
    device: str
    store: str

    def among(self, table: sa.Table[Any]) -> sa.ColumnElement[bool]:
        """True of the rows of ``table`` that are about it."""
        c = table.c
        return sa.and_(c.service == self.service, c.device == self.device, c.store == self.store)


def own(
    connection: sa.Connection,
    whose: Holding,
    paths: Sequence[str],
    *,
    order: str,
    changed: Collection[str] = (),
    tenant: str,
    at: datetime,
) -> None:
    """The service owns exactly these paths; what it owned before stays, with its order.

    A path in ``changed`` is this order's from now on.
    """
    owned = _owned(connection, whose)
    facts = {"tenant": tenant, "order_id": order}
    here = {"device": whose.device, "store": whose.store, "service": whose.service}
    new = [{**here, "path": path, **facts} for path in paths if path not in owned]
    again = [(owned[path], facts) for path in paths if path in owned and path in changed]
    gone = [row for path, row in owned.items() if path not in set(paths)]
    history.begin_all(connection, tables.ownership, new, at)
    history.replace(
        connection, tables.ownership, [one for one in again if history.differs(*one)], at
    )
    history.end_rows(connection, tables.ownership, gone, at)


def disown(connection: sa.Connection, whose: Holding, *, at: datetime) -> None:
    """End a service's ownership in a store. Safe twice."""
    history.end(connection, tables.ownership, whose.among(tables.ownership), at)


def owners(connection: sa.Connection, device: str, store: str, path: str) -> tuple[str, ...]:
    """Services that own ``path`` or a node above it, sorted."""
    c = tables.ownership.c
    covers = sa.and_(_covers(device, path), c.store == store)
    query = sa.select(c.service).where(covers).distinct().order_by(c.service)
    return tuple(connection.execute(query).scalars())


def around(
    connection: sa.Connection, device: str, store: str, paths: Sequence[tree.Path]
) -> frozenset[str]:
    """Services that own a node at, above or below one of ``paths``."""
    found: set[str] = set()
    for path in paths:
        upwards = [tree.path_text(path[:depth]) for depth in range(len(path) + 1)]
        below = f"{upwards[-1]}/"
        near = {"upwards": upwards, "below": below, "length": len(below)}
        here = {"at_device": device, "at_store": store, **near}
        found.update(connection.execute(_AROUND, here).scalars())
    return frozenset(found)


def why(
    connection: sa.Connection, tenant: str, device: str, path: str | None
) -> list[onboarding.Owner]:
    """Every owner of ``path``, or of each owned node, by store and path; at most ``_MANY``."""
    c, s = tables.ownership.c, tables.services.c
    named = sa.and_(s.id == c.service, history.current(tables.services))
    here = sa.and_(history.current(tables.ownership), c.device == device)
    query = (
        sa.select(c.store, c.path, c.service, s.name, c.order_id, c.valid_from, c.tenant)
        .select_from(tables.ownership.outerjoin(tables.services, named))
        .where(here if path is None else _covers(device, path))
        .order_by(c.store, c.path, c.service)
        .limit(_MANY)
    )
    return [_owner(row, tenant) for row in connection.execute(query).mappings()]


def _owner(row: sa.RowMapping, tenant: str) -> onboarding.Owner:
    mine = row["tenant"] == tenant
    return onboarding.Owner(
        path=row["path"],
        service=row["service"] if mine else "",
        service_name=(row["name"] or row["service"]) if mine else "a service of another tenant",
        order=row["order_id"] if mine else "",
        since=row["valid_from"],
        store=row["store"],
    )


def _owned(connection: sa.Connection, whose: Holding) -> Mapping[str, sa.RowMapping]:
    """What it owns now, by path."""
    here = {"at_service": whose.service, "at_device": whose.device, "at_store": whose.store}
    return {row["path"]: row for row in connection.execute(_OWNED, here).mappings()}


def _covers(device: str, path: str) -> sa.ColumnElement[bool]:
    # By substr, not LIKE: key values may hold % and _.
    c = tables.ownership.c
    above = sa.func.substr(sa.literal(path), 1, sa.func.length(c.path) + 1) == c.path + "/"
    return sa.and_(
        history.current(tables.ownership),
        c.device == device,
        sa.or_(c.path == path, c.path == "/", above),
    )
