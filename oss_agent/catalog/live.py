"""The catalogue that is in force: what was loaded last, in the place of what was loaded before.

Implements ``spi.catalogue.Catalogue`` and ``Products`` and ``spi.specifications.Shelf``. Each call is
answered by one catalogue as a whole; the next may be answered by another, also in another thread.
What spans calls names its version, and keeps it so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oss_agent.catalog import catalogue, collection, offerings, shelf
from oss_agent.spi import adoption, ledger, orders, specifications, views
from oss_agent.spi import catalogue as spi


@dataclass(frozen=True, slots=True)
class Loaded:
    """One catalogue: its files, and who answers for them."""

    files: collection.Collection
    services: catalogue.Specifications
    products: offerings.Offerings
    shelf: shelf.Shelf


def loaded(
    files: collection.Collection,
    settings: Mapping[str, str],
    pools: Collection[str] | None = None,
) -> Loaded:
    """Everything that answers for these files; the rest as ``catalogue.Specifications`` has it."""
    services = catalogue.Specifications(files.services, settings, files.ordered, pools)
    products = offerings.Offerings(files.offerings, services.check, services.short())
    return Loaded(files, services, products, shelf.Shelf(files))


class LiveCatalogue:
    """Hands each question to the catalogue in force."""

    def __init__(self, present: Loaded) -> None:
        self.present = present
        """replaced as a whole, by one assignment"""

    def check(self, item: orders.ItemRequest, *, kept: bool = False) -> views.SpecificationRef:
        """Judge what needs no state."""
        return self.present.services.check(item, kept=kept)

    def has(self, of: views.SpecificationRef, *, resource: bool = False) -> bool:
        """Is this version loaded?"""
        return self.present.services.has(of, resource=resource)

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

    def templates(self) -> frozenset[str]:
        """Every template that a service is made of."""
        return self.present.services.templates()

    def recognise(self, parts: Sequence[adoption.Part]) -> adoption.Survey:
        """Which services parts on devices make up."""
        return self.present.services.recognise(parts)

    def offerings(self) -> tuple[spi.Offering, ...]:
        """Every version of every offering."""
        return self.present.products.offerings()

    def offering(self, key: str, version: str | None = None) -> spi.Offering:
        """One offering; NotFound."""
        return self.present.products.offering(key, version)

    def decompose_product(
        self, item: spi.ProductItem, now: spi.ProductNow | None = None, *, kept: bool = False
    ) -> spi.ProductDesign:
        """The service order items of a product order item."""
        return self.present.products.decompose_product(item, now, kept=kept)

    def services(self) -> tuple[specifications.SpecificationView, ...]:
        """Customer-facing and resource-facing service specifications."""
        return self.present.shelf.services()

    def resources(self) -> tuple[specifications.SpecificationView, ...]:
        """Resource specifications."""
        return self.present.shelf.resources()
