"""The catalogue, wired: read once at the start, read again when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

import inventory.services.specification_use
from oss_agent import settings, store
from oss_agent.app import ground, reloading, tuning
from oss_agent.catalog import collection, live
from oss_agent.spi import events


@dataclass(frozen=True, slots=True)
class Catalogues:
    """What can be ordered now, and who takes its files anew."""

    live: live.LiveCatalogue
    files: reloading.Reloading


def build(on: ground.Ground, sink: events.EventSink) -> Catalogues:
    """Read the files. ConfigurationError with every mistake in them."""
    of = on.tree.catalogue
    pools = [one.name for one in on.tree.pools]
    read = reloading.reader(of.folder, tuning.catalogue(of), pools)
    taken = live.LiveCatalogue(read())
    _tell_unknown_plans(on.tree, taken.present.files)
    tenants = tuning.tenants(on.tree.http)
    return Catalogues(taken, reloading.Reloading(on.rows, on.time, sink, taken, read, tenants))


async def tell_missing(rows: store.SqlStore, loaded: collection.Collection) -> None:
    """A service whose specification is gone is watched as before, and can be changed by nobody."""
    known = {(one.id, one.version) for one in (*loaded.services, *loaded.ordered)}
    for key, number in (await rows.read(inventory.services.specification_use.living)).items():
        if key not in known:
            structlog.get_logger().error(
                "services whose specification the catalogue lacks cannot be changed or ended: put "
                "its file back, with status retired if nobody is to order it",
                specification=" ".join(key),
                services=number,
            )


def unknown_plans(tree: settings.Settings, loaded: collection.Collection) -> tuple[str, ...]:
    """Of each connector the specifications in its ``plans`` that the catalogue does not have. Pure."""
    known = {one.id for one in loaded.services}
    return tuple(
        f"{of.name}: {one}" for of in tree.connectors for one in of.plans if one not in known
    )


def _tell_unknown_plans(tree: settings.Settings, loaded: collection.Collection) -> None:
    """A word that no service ever has would be a plan that nobody is ever billed by."""
    if strange := unknown_plans(tree, loaded):
        structlog.get_logger().warning(
            "plans of connectors name specifications that the catalogue does not have: nothing is "
            "subscribed by them; name them by their ids",
            plans=list(strange),
            known=sorted({one.id for one in loaded.services}),
        )
