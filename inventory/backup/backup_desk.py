"""Decides what of the kept configurations is shown: which version, and its secrets to nobody without leave.

In a difference each secret has a number of its own, so that a changed one shows as changed without
being seen. Whoever sees secrets is written down first.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

import sqlalchemy as sa

from inventory.backup import backup_difference, backup_rows
from inventory.rows import tables, tenancy
from oss_agent import errors
from oss_agent.spi import backups, clock, store
from oss_agent.spi.device import Datastore
from oss_agent.spi.query import Page

Audit: TypeAlias = Callable[[sa.Connection, str, datetime, str, str], None]
"""(connection, tenant, at, who, device): somebody is shown its secrets."""
Take: TypeAlias = Callable[[str, str], Awaitable[backups.Taken]]
_WHOLE: Final = backups.Window()
_SECRET: Final = "<secret>"  # noqa: S105 - what is shown instead of one


_Found = TypeVar("_Found")


class BackupDesk:
    """``spi.backups.Backups`` over the store."""

    def __init__(
        self,
        rows: store.Store,
        time: clock.Clock,
        reader: backups.Reader,
        take: Take,
        audit: Audit,
    ) -> None:
        self._store = rows
        self._time = time
        self._reader = reader
        self._take = take
        self._audit = audit

    async def find(
        self,
        tenant: str,
        device: str | None = None,
        at: datetime | None = None,
        window: backups.Window = _WHOLE,
    ) -> Page[backups.BackupView]:
        """By device, store, datastore; the versions of one device the newest first."""
        now = self._time.now()

        def query(connection: sa.Connection) -> Page[backups.BackupView]:
            if device is not None and not backup_rows.places(connection, tenant, device):
                _must_be(connection, tenant, device)
            if device is not None and at is None:
                return backup_rows.versions(connection, tenant, device, window)
            return backup_rows.holding(connection, tenant, device, at, now, window)

        return await self._store.read(query)

    async def show(
        self, which: backups.Which, point: backups.Point, watcher: backups.Watcher
    ) -> backups.Shown:
        """One version's text."""
        view, text, platform = await self._seen(
            which, watcher, lambda c: self._one(c, self._place(c, which), which.tenant, point)
        )
        if not watcher.sees:
            text = await asyncio.to_thread(
                self._reader.masked, platform, view.store, text, lambda _: _SECRET
            )
        return backups.Shown(view, text, masked=not watcher.sees)

    async def compare(
        self,
        which: backups.Which,
        older: backups.Point,
        newer: backups.Point,
        watcher: backups.Watcher,
    ) -> backups.Difference:
        """Two versions of one place."""

        def query(connection: sa.Connection) -> tuple[_Text, _Text]:
            place = self._place(connection, which)
            return (
                self._one(connection, place, which.tenant, older),
                self._one(connection, place, which.tenant, newer),
            )

        return await self._difference(await self._seen(which, watcher, query), watcher)

    async def unsaved(self, which: backups.Which, watcher: backups.Watcher) -> backups.Difference:
        """Startup against running, as they were last seen."""
        newest = backups.Point()

        def query(connection: sa.Connection) -> tuple[_Text, _Text]:
            startup = self._place(
                connection, dataclasses.replace(which, datastore=Datastore.STARTUP)
            )
            running = dataclasses.replace(startup, datastore=Datastore.RUNNING.value)
            return (
                self._one(connection, startup, which.tenant, newest),
                self._one(connection, running, which.tenant, newest),
            )

        return await self._difference(await self._seen(which, watcher, query), watcher)

    async def take(self, tenant: str, device: str) -> backups.Taken:
        """Look at it now."""
        return await self._take(tenant, device)

    async def _seen(
        self,
        which: backups.Which,
        watcher: backups.Watcher,
        query: Callable[[sa.Connection], _Found],
    ) -> _Found:
        """Read; where secrets are shown, who sees them is synced before."""
        who, at = watcher.name, self._time.now()
        if who is None:
            return await self._store.read(query)

        def unit(connection: sa.Connection) -> _Found:
            found = query(connection)
            self._audit(connection, which.tenant, at, who, which.device)
            return found

        return await self._store.write(unit)

    def _place(self, connection: sa.Connection, which: backups.Which) -> backup_rows.Place:
        device = which.device
        known = backup_rows.places(connection, which.tenant, device)
        if not known:
            _must_be(connection, which.tenant, device)
        for place in known:
            if place.datastore == which.datastore.value and which.store in {"", place.store}:
                return place
        there = ", ".join(f"{place.store} {place.datastore}" for place in known) or "nothing yet"
        raise _missing(f"there is no such backup of {device}; there is: {there}")

    def _one(
        self,
        connection: sa.Connection,
        place: backup_rows.Place,
        tenant: str,
        point: backups.Point,
    ) -> _Text:
        view = backup_rows.find(connection, tenant, place, point, self._time.now())
        if view is None:
            raise _no_such(place, backup_rows.oldest(connection, tenant, place))
        return view, backup_rows.text(connection, view), _platform(connection, place.device)

    async def _difference(
        self, both: tuple[_Text, _Text], watcher: backups.Watcher
    ) -> backups.Difference:
        text = await asyncio.to_thread(self._unified, both, sees=watcher.sees)
        (older, _, _), (newer, _, _) = both
        return backups.Difference(older, newer, text, masked=not watcher.sees)

    def _unified(self, both: tuple[_Text, _Text], *, sees: bool) -> str:
        numbers: dict[str, int] = {}

        def name(secret: str) -> str:
            return f"<secret {numbers.setdefault(secret, len(numbers) + 1)}>"

        texts = [
            text if sees else self._reader.masked(platform, view.store, text, name)
            for view, text, platform in both
        ]
        names = (_name(both[0][0]), _name(both[1][0]))
        return backup_difference.unified(texts[0], texts[1], names)


_Text: TypeAlias = tuple[backups.BackupView, str, str]
"""A version, its text, and the platform of its device."""


def _name(view: backups.BackupView) -> str:
    whose = f" order {', '.join(view.orders)}" if view.orders else ""
    kind = f"{view.store} {view.datastore} version {view.version}"
    return f"{view.device} {kind} of {view.since:%Y-%m-%dT%H:%M:%SZ}{whose}"


def _no_such(place: backup_rows.Place, first: backups.BackupView | None) -> errors.OrderRejected:
    kept = (
        f"; the oldest kept is {first.version}, of {first.since:%Y-%m-%dT%H:%M:%SZ}"
        if first
        else ""
    )
    where = f"{place.device} {place.store} {place.datastore}"
    return _missing(f"{where} has no such version{kept}")


def _missing(reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, status=404, code="notFound")


def _platform(connection: sa.Connection, device: str) -> str:
    """What the device is, or was when it was last known."""
    d = tables.devices.c
    newest = sa.select(d.platform).where(d.name == device).order_by(d.row.desc()).limit(1)
    return connection.execute(newest).scalar() or ""


def _must_be(connection: sa.Connection, tenant: str, device: str) -> None:
    if tenancy.of_device(connection, device) != tenant:
        raise errors.NotFound(f"device {device}")
