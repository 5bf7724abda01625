"""Decides whose a line of configuration is, and what was read back for whom.

Ownership is by path text (``/services/eline[name=acme]``): a service that owns a node owns all
below it. It survives out-of-band edits, because it is ours and not the device's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from inventory import history, tables
from oss_agent.spi import onboarding, tree


def own(
    connection: sa.Connection,
    *,
    service: str,
    order: str,
    device: str,
    paths: Sequence[str],
    tenant: str,
    at: datetime,
) -> None:
    """``service`` owns these paths on ``device``; paths it owned before stay, with their order."""
    owned = _paths_of(connection, service, device)
    for path in paths:
        if path not in owned:
            key = {"device": device, "path": path, "service": service}
            facts = {"tenant": tenant, "order_id": order}
            history.put(connection, tables.ownership, key, facts, at)


def disown(connection: sa.Connection, *, service: str, device: str, at: datetime) -> None:
    """End a service's ownership on a device. Safe twice."""
    c = tables.ownership.c
    history.end(connection, tables.ownership, sa.and_(c.service == service, c.device == device), at)


def owners(connection: sa.Connection, device: str, path: str) -> tuple[str, ...]:
    """Services that own ``path`` or a node above it, sorted."""
    c = tables.ownership.c
    query = sa.select(c.service).where(_covers(device, path)).distinct().order_by(c.service)
    return tuple(connection.execute(query).scalars())


def why(connection: sa.Connection, tenant: str, device: str, path: str) -> list[onboarding.Owner]:
    """The same with names and since when; services of this tenant only."""
    c, s = tables.ownership.c, tables.services.c
    named = sa.and_(s.id == c.service, history.current(tables.services))
    query = (
        sa.select(c.path, c.service, s.name, c.order_id, c.valid_from)
        .select_from(tables.ownership.outerjoin(tables.services, named))
        .where(_covers(device, path), c.tenant == tenant)
        .order_by(c.path, c.service)
    )
    return [
        onboarding.Owner(owned, service, name or service, order, since)
        for owned, service, name, order, since in connection.execute(query)
    ]


def record_configured(
    connection: sa.Connection,
    *,
    device: str,
    service: str,
    read_back: tree.Tree,
    tenant: str,
    at: datetime,
) -> None:
    """What the device holds for a service now; an empty tree ends the row: nothing is there."""
    key = {"device": device, "service": service}
    c = tables.configured.c
    if not read_back.children:
        which = sa.and_(c.device == device, c.service == service)
        history.end(connection, tables.configured, which, at)
        return
    facts = {"tenant": tenant, "tree": tree.to_json(read_back)}
    history.put(connection, tables.configured, key, facts, at)


def _paths_of(connection: sa.Connection, service: str, device: str) -> set[str]:
    c = tables.ownership.c
    query = sa.select(c.path).where(
        history.current(tables.ownership), c.service == service, c.device == device
    )
    return set(connection.execute(query).scalars())


def _covers(device: str, path: str) -> sa.ColumnElement[bool]:
    # By substr, not LIKE: key values may hold % and _.
    c = tables.ownership.c
    above = sa.func.substr(sa.literal(path), 1, sa.func.length(c.path) + 1) == c.path + "/"
    return sa.and_(
        history.current(tables.ownership),
        c.device == device,
        sa.or_(c.path == path, c.path == "/", above),
    )
