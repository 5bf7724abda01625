"""Takes the catalogue's files anew while the daemon runs: all of them, or with a mistake none.

Implements ``spi.specifications.Files``. One unit tells TMF633's and TMF634's listeners what changed,
writes it into the audit log and, last, puts the new catalogue in force by one assignment: units run
one after another, so that none of them meets two catalogues. A death in between is a restart, which
reads the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Any

import sqlalchemy as sa
import structlog

import inventory.services.specification_use
from oss_agent import audit, errors, store
from oss_agent.catalog import catalogue, collection, difference, live, shelf
from oss_agent.fulfilment.record import census
from oss_agent.spi import clock, events, views
from oss_agent.spi.specifications import Facing, Moved, SpecificationView

_NOBODY = "SIGHUP"
"""Who reloads when a signal asks for it."""


class Reloading:
    """Reads again what was read at the start; ``tenants`` are those whose listeners are told."""

    def __init__(
        self,
        rows: store.SqlStore,
        time: clock.Clock,
        sink: events.EventSink,
        catalogue: live.LiveCatalogue,
        read: Callable[[], live.Loaded],
        tenants: Sequence[str],
    ) -> None:
        self._rows = rows
        self._time = time
        self._sink = sink
        self._catalogue = catalogue
        self._read = read
        self._tenants = tuple(tenants)
        self._one = asyncio.Lock()
        self.asked = asyncio.Event()
        """set by who wants a reload and waits for no answer"""

    async def pending(self) -> tuple[Moved, ...]:
        """What taking the files would change. OrderRejected (409) with every mistake in them."""
        async with self._one:  # whoever may read may ask: one parse at a time, however many ask
            return self._moved(await self._load())

    async def reload(self, tenant: str, by: str) -> tuple[Moved, ...]:
        """Take the files; besides what changed, what cannot be ordered by them, and why.

        OrderRejected (409) and nothing changes when they cannot be taken.
        """
        async with self._one:
            new, before = await self._load(), self._catalogue.present
            moved = self._moved(new)
            try:
                await self._rows.write(lambda c: self._take(c, new, moved, tenant, by))
            except Exception:
                self._catalogue.present = before  # the unit may be lost after its last line
                raise
        names = [f"{one.kind} {one.id} {one.version} {one.what}" for one in moved]
        structlog.get_logger().info("the catalogue was read again", by=by, moved=names)
        tell_lacking(new.services)
        return (*moved, *difference.unorderable(new.services.lacking()))

    async def run(self) -> None:
        """Reload whenever it is asked for by signal; what cannot be taken is said in the log."""
        while True:
            await self.asked.wait()
            self.asked.clear()
            try:
                await self.reload(self._tenants[0], _NOBODY)
            except errors.OrderRejected as bad:
                structlog.get_logger().error("the catalogue stays as it is", reason=bad.reason)
            except Exception:  # noqa: BLE001  a file that nobody foresaw must not end the daemon
                structlog.get_logger().exception("the catalogue stays as it is")

    async def _load(self) -> live.Loaded:
        try:
            return await asyncio.to_thread(self._read)
        except errors.ConfigurationError as bad:
            raise _refused(str(bad)) from bad

    def _moved(self, new: live.Loaded) -> tuple[Moved, ...]:
        return difference.catalogues(self._catalogue.present.files, new.files)

    def _take(
        self,
        connection: sa.Connection,
        new: live.Loaded,
        moved: Sequence[Moved],
        tenant: str,
        by: str,
    ) -> None:
        at = self._time.now()
        _refuse_lost(connection, new.files)
        for one in told(self._catalogue.present, new, self._tenants, at):
            self._sink(connection, one)
        detail: dict[str, Any] = {
            "moved": [[one.kind, one.id, one.version, one.what] for one in moved],
            "lacking": {one: list(pools) for one, pools in new.services.lacking().items()},
        }
        entry = audit.Entry(tenant, at, by, "reload", "catalogue", detail)
        audit.append(connection, entry)
        self._catalogue.present = new


def reader(
    own: Traversable | None, settings: Mapping[str, str], pools: Collection[str] | None
) -> Callable[[], live.Loaded]:
    """Reads the shipped files and those of the operator's ``own`` folder. ConfigurationError."""
    folders = () if own is None else (own,)
    return lambda: live.loaded(collection.load(*folders), settings, pools)


def tell_lacking(services: catalogue.Specifications) -> None:
    """What nobody can order for want of a pool; who names no version gets one that needs fewer."""
    for one, lacking in services.lacking().items():
        structlog.get_logger().warning(
            "a specification takes values from pools that the settings do not have: it cannot be "
            "ordered before they are added there",
            specification=one,
            pools=list(lacking),
        )


def _refuse_lost(connection: sa.Connection, files: collection.Collection) -> None:
    """What lives, or is being built, could be neither changed nor ended without its file."""
    use = inventory.services.specification_use
    services = {(one.id, one.version) for one in (*files.services, *files.ordered)}
    offered = {(one.id, one.version) for one in files.offerings}
    for kind, known, used in (
        ("services", services, use.living(connection)),
        ("order items", services, census.specifications_in_work(connection)),
        ("products", offered, use.offered(connection)),
        ("product order items", offered, census.offerings_in_work(connection)),
    ):
        for key, number in used.items():
            if key not in known:
                raise _refused(
                    f"{number} {kind} have {' '.join(key)}, whose file is gone: put it back, with "
                    "status retired if nobody is to order it"
                )


def _refused(reason: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field="catalogue", status=409, code="invalidCatalogue")


def told(
    before: live.Loaded, after: live.Loaded, tenants: Sequence[str], at: datetime
) -> Iterator[events.Event]:
    """What listeners are told of a reload, those of every tenant the same. Pure."""
    old, new = before.shelf, after.shelf
    for entity, was, now in (
        ("ServiceSpecification", old.services(), new.services()),
        ("ServiceCandidate", _orderable(old.services()), _orderable(new.services())),
        ("ResourceSpecification", old.resources(), new.resources()),
        ("ResourceCandidate", old.resources(), new.resources()),
    ):
        for what, view in shelf.differing(was, now):
            kind = events.EventKind(f"{entity}{what}Event")
            for tenant in tenants:
                yield _event(kind, entity, view, tenant, at)


def _orderable(several: Sequence[SpecificationView]) -> tuple[SpecificationView, ...]:
    return tuple(one for one in several if one.facing is Facing.CUSTOMER)


def _event(
    kind: events.EventKind, entity: str, view: SpecificationView, tenant: str, at: datetime
) -> events.Event:
    about = f"{entity[0].lower()}{entity[1:]}:{view.id}:{view.version}"
    return events.Event(
        id=f"{about}-{kind}-{clock.rfc3339(at)}-{tenant}",
        kind=kind,
        tenant=tenant,
        entity=about,
        at=at,
        payload=views.as_json(view),
    )
