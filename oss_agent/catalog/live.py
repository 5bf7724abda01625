"""The catalogue that is in force: what was loaded last, in the place of what was loaded before.

Implements ``spi.catalogue.Catalogue`` and ``Products`` and ``spi.specifications.Shelf``. Each call is
answered by one catalogue as a whole; the next may be answered by another, also in another thread.
What spans calls names its version, and keeps it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oss_agent.catalog import catalogue, collection, offerings, shelf
from oss_agent.spi import catalogue as spi
from oss_agent.spi import ledger, orders, specifications, views


@dataclass(frozen=True, slots=True)
class Loaded:
    """One catalogue: its files, and who answers for them."""

    files: collection.Collection
    services: catalogue.Specifications
    products: offerings.Offerings
    shelf: shelf.Shelf


def loaded(files: collection.Collection, settings: Mapping[str, str]) -> Loaded:
    """Everything that answers for these files; ``settings`` as ``catalogue.Specifications`` has them."""
    services = catalogue.Specifications(files.services, settings, files.ordered)
    products = offerings.Offerings(files.offerings, services.check)
    return Loaded(files, services, products, shelf.Shelf(files))


class LiveCatalogue:
    """Hands each question to the catalogue in force."""

    def __init__(self, present: Loaded) -> None:
        self.present = present
        """replaced as a whole, by one assignment"""

    def check(self, item: orders.ItemRequest) -> views.SpecificationRef:
        """Judge what needs no state."""
        return self.present.services.check(item)

    def missing(self, item: orders.ItemRequest) -> tuple[str, ...]:
        """What has still to be said of it."""
        return self.present.services.missing(item)

    def needs(self, item: orders.ItemRequest) -> tuple[spi.PoolNeed, ...]:
        """Which pool values the design will need."""
        return self.present.services.needs(item)

    def devices(self, item: orders.ItemRequest) -> tuple[str, ...]:
        """The devices whose ports the item names."""
        return self.present.services.devices(item)

    def decompose(
        self, item: orders.ItemRequest, snapshot: ledger.Snapshot, pools: Mapping[str, str]
    ) -> spi.Design:
        """CFS -> RFS -> resource intents."""
        return self.present.services.decompose(item, snapshot, pools)

    def offerings(self) -> tuple[spi.Offering, ...]:
        """Every version of every offering."""
        return self.present.products.offerings()

    def offering(self, key: str, version: str | None = None) -> spi.Offering:
        """One offering; NotFound."""
        return self.present.products.offering(key, version)

    def decompose_product(
        self, item: spi.ProductItem, now: spi.ProductNow | None = None
    ) -> spi.ProductDesign:
        """The service order items of a product order item."""
        return self.present.products.decompose_product(item, now)

    def services(self) -> tuple[specifications.SpecificationView, ...]:
        """Customer-facing and resource-facing service specifications."""
        return self.present.shelf.services()

    def resources(self) -> tuple[specifications.SpecificationView, ...]:
        """Resource specifications."""
        return self.present.shelf.resources()
