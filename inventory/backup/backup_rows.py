"""Decides which versions of a device's configurations there are, and for how long they stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.backup import backup_texts
from inventory.rows import history, tables
from oss_agent.moment import Moment
from oss_agent.spi.backups import BackupView, Cause, Point, Window
from oss_agent.spi.query import Page

_B, _C = tables.backups, tables.backups.c
_LOOKS, _L = tables.backup_looks, tables.backup_looks.c
_MANY: Final = 500
"""Digests in one statement."""
_AMONG = sa.and_(
    _C.device == sa.bindparam("at_device"),
    _C.store == sa.bindparam("at_store"),
    _C.datastore == sa.bindparam("at_datastore"),
)
_NOW = sa.select(_B).where(history.current(_B), _AMONG)
_NEWEST = sa.select(sa.func.max(_C.number)).where(_AMONG)
_VERSION = sa.select(_C.number, _C.digest, _C.valid_from, _C.valid_to)
_BELIEVED = _VERSION.where(_AMONG, _C.known_to.is_(None)).order_by(_C.number.desc())
"""Made once: each order's devices are looked at when it has ended."""


@dataclass(frozen=True, slots=True)
class Place:
    """One datastore of one store of a device."""

    device: str
    store: str
    datastore: str

    @property
    def named(self) -> Mapping[str, str]:
        """What a statement takes that is made once for all places."""
        return {"at_device": self.device, "at_store": self.store, "at_datastore": self.datastore}

    @property
    def among(self) -> sa.ColumnElement[bool]:
        """True of its versions."""
        return sa.and_(
            _C.device == self.device, _C.store == self.store, _C.datastore == self.datastore
        )


@dataclass(frozen=True, slots=True)
class Keep:
    """Which versions stay: all of the last ``days``, and the newest ``least`` whatever their age.

    Never more than the newest ``most``, whatever a device does.
    """

    days: float = 365.0
    least: int = 10
    most: int = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """Who looked, why, and which orders ended on the device since the look before."""

    tenant: str
    at: datetime
    cause: Cause = Cause.TURN
    orders: tuple[str, ...] = ()


def current(connection: sa.Connection, device: str) -> dict[Place, tuple[str, int]]:
    """Digest and size of what holds now, by place."""
    t = tables.backup_texts.c
    query = (
        sa.select(_C.store, _C.datastore, _C.digest, t.size)
        .join_from(_B, tables.backup_texts, t.digest == _C.digest)
        .where(history.current(_B), _C.device == device)
    )
    return {
        Place(device, store, datastore): (digest, size)
        for store, datastore, digest, size in connection.execute(query)
    }


def put(connection: sa.Connection, place: Place, text: backup_texts.Packed, look: Look) -> bool:
    """The place holds this text at the look. False, and nothing is written, when it did already."""
    before = connection.execute(_NOW, place.named).mappings().first()
    facts = {"tenant": look.tenant, "digest": text.digest}
    if before is not None and not history.differs(before, facts):
        return False
    backup_texts.put(connection, text)
    newest = connection.execute(_NEWEST, place.named).scalar()
    told = {"number": (newest or 0) + 1, "cause": look.cause.value, "orders": list(look.orders)}
    if before is None:
        key = {"device": place.device, "store": place.store, "datastore": place.datastore}
        history.begin(connection, _B, {**key, **facts, **told}, look.at)
        return True
    # A clock that was set back: the past stays as it was told.
    at = max(look.at, before["valid_from"])
    history.replace(connection, _B, [(before, {**facts, **told})], at)
    return True


def prune(connection: sa.Connection, place: Place, keep: Keep, at: datetime) -> int:
    """Forget what is kept for no longer. Returns how many versions that were."""
    rows = connection.execute(_BELIEVED, place.named).mappings().all()
    before = at - timedelta(days=keep.days)
    gone = [
        row
        for position, row in enumerate(rows)
        if row["valid_to"] is not None
        and (position >= keep.most or (position >= keep.least and row["valid_to"] < before))
    ]
    for start in range(0, len(gone), _MANY):
        some = gone[start : start + _MANY]
        numbers = _C.number.in_([row["number"] for row in some])
        history.forget(connection, _B, sa.and_(place.among, numbers))
        backup_texts.drop_unused(connection, {row["digest"] for row in some})
    return len(gone)


def places(connection: sa.Connection, tenant: str, device: str) -> tuple[Place, ...]:
    """Where a tenant's device has versions; the order is that of the stores' first ones."""
    query = (
        sa.select(_C.store, _C.datastore)
        .where(_C.device == device, _C.tenant == tenant)
        .group_by(_C.store, _C.datastore)
        .order_by(sa.func.min(_C.row))
    )
    return tuple(Place(device, *row) for row in connection.execute(query))


def versions(
    connection: sa.Connection, tenant: str, device: str, window: Window
) -> Page[BackupView]:
    """All versions of a device, the newest first."""
    which = sa.and_(_C.tenant == tenant, _C.device == device, _C.known_to.is_(None))
    return _page(connection, which, _C.valid_from.desc(), window)


def holding(
    connection: sa.Connection,
    tenant: str,
    device: str | None,
    at: datetime | None,
    now: datetime,
    window: Window,
) -> Page[BackupView]:
    """What holds now, or held at a moment, of one device or all."""
    when = history.current(_B) if at is None else history.as_of(_B, at, now)
    whose = _C.device == device if device is not None else sa.true()
    return _page(connection, sa.and_(when, whose, _C.tenant == tenant), _C.device, window)


def find(
    connection: sa.Connection, tenant: str, place: Place, point: Point, now: datetime
) -> BackupView | None:
    """The version of a place that a point names."""
    which = sa.and_(place.among, _C.tenant == tenant, _C.known_to.is_(None))
    if point.version is not None:
        which = sa.and_(which, _C.number <= point.version)
    if point.at is not None:
        which = sa.and_(which, _C.valid_from <= min(point.at, now))
    found = _views(connection, which, _C.number.desc(), limit=point.before + 1)
    if len(found) <= point.before:
        return None
    view = found[point.before]
    named = point.version is None or point.before or view.version == point.version
    held = point.at is None or point.before or view.until is None or view.until > point.at
    return view if named and held else None


def text(connection: sa.Connection, view: BackupView) -> str:
    """What a version says."""
    place = Place(view.device, view.store, view.datastore)
    query = _believed(place).where(_C.number == view.version)
    return backup_texts.get(connection, connection.execute(query).mappings().one()["digest"])


def oldest(connection: sa.Connection, tenant: str, place: Place) -> BackupView | None:
    """The oldest version of a place that is kept."""
    which = sa.and_(place.among, _C.tenant == tenant, _C.known_to.is_(None))
    return next(iter(_views(connection, which, _C.number, limit=1)), None)


def unsaved_since(connection: sa.Connection, place: Place, saved: str, at: datetime) -> datetime:
    """Since when running has not been what startup has, as far back as it is told."""
    query = _believed(place).where(_C.digest != saved).order_by(_C.number.desc()).limit(_MANY)
    same = sa.select(sa.func.max(_C.number)).where(place.among, _C.digest == saved)
    last = connection.execute(same).scalar() or 0
    since = [
        row["valid_from"] for row in connection.execute(query).mappings() if row["number"] > last
    ]
    return min(since, default=at)


def _believed(place: Place) -> sa.Select[int, str, datetime, datetime | None]:
    return _VERSION.where(place.among, _C.known_to.is_(None))


def _page(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    order: sa.ColumnElement[Any],
    window: Window,
) -> Page[BackupView]:
    total = connection.execute(sa.select(sa.func.count()).select_from(_B).where(which)).scalar_one()
    return Page(_views(connection, which, order, window.limit, window.offset), total)


def _views(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    order: sa.ColumnElement[Any],
    limit: int | None = None,
    offset: int = 0,
) -> tuple[BackupView, ...]:
    t = tables.backup_texts.c
    query = (
        sa.select(_B, t.size, _L.good_at, _L.reason)
        .select_from(
            _B.join(tables.backup_texts, t.digest == _C.digest).outerjoin(
                _LOOKS, _L.device == _C.device
            )
        )
        .where(which)
        .order_by(order, _C.store, _C.datastore.asc(), _C.number.desc())
        .limit(limit)
        .offset(offset)
    )
    return tuple(_view(row) for row in connection.execute(query).mappings())


def _view(row: sa.RowMapping) -> BackupView:
    return BackupView(
        device=row["device"],
        tenant=row["tenant"],
        store=row["store"],
        datastore=row["datastore"],
        version=row["number"],
        size=row["size"],
        since=row["valid_from"],
        until=row["valid_to"],
        cause=row["cause"],
        orders=tuple(row["orders"]),
        looked_at=row["good_at"],
        trouble=row["reason"] or "",
    )


def age(connection: sa.Connection, at: datetime) -> float:
    """Seconds since the last good look at the device that has had none for the longest time."""
    good = sa.func.coalesce(_L.good_at, _L.since, type_=Moment)
    query = sa.select(sa.func.min(good)).select_from(_LOOKS).where(managed())
    oldest = connection.execute(query).scalar()
    return 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds())


def failing(connection: sa.Connection) -> dict[str, int]:
    """How many devices had no good last look, by the word for why."""
    query = (
        sa.select(_L.trouble, sa.func.count())
        .select_from(_LOOKS)
        .where(managed(), _L.trouble != "")
        .group_by(_L.trouble)
    )
    return {word: number for word, number in connection.execute(query)}  # noqa: C416 - rows are no pairs to a type checker


def managed() -> sa.ColumnElement[bool]:
    """True of looks at devices that are still managed."""
    d = tables.devices
    here = sa.and_(history.current(d), d.c.name == _L.device, d.c.managed)
    return sa.select(d.c.row).where(here).exists()


def new_versions(
    connection: sa.Connection, tenant: str, changed: Sequence[Place]
) -> tuple[BackupView, ...]:
    """The current versions of places."""
    if not changed:
        return ()
    either = sa.or_(*(place.among for place in changed))
    whose = sa.and_(history.current(_B), _C.tenant == tenant, either)
    return _views(connection, whose, _C.device)
