"""The product offerings as others see them: picks the version, then the pure functions decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from oss_agent import errors
from oss_agent.catalog import files, product
from oss_agent.catalog import offering as data
from oss_agent.spi import catalogue, views


class Offerings:
    """Implements ``spi.catalogue.Products`` over loaded offerings.

    ``judge`` judges a service order item without state (``catalogue.Specifications.check``), and
    ``short`` says how many pools a version of a service lacks (``catalogue.Specifications.short``).
    """

    def __init__(
        self,
        offerings: Sequence[data.Offering],
        judge: product.Judge,
        short: Mapping[tuple[str, str], int],
    ) -> None:
        self._judge = judge
        self._known = {(one.id, one.version): one for one in offerings}

        # As service specifications are picked: an active one before a retired one, then the one
        # whose services lack the fewest pools, then the newest.
        def rank(one: data.Offering) -> tuple[bool, int, tuple[int, ...]]:
            active, version = files.age(one)
            parts = one.services.values()
            lacks = sum(short.get((part.specification, part.version), 0) for part in parts)
            return active, -lacks, version

        self._newest = {one.id: one for one in sorted(offerings, key=rank)}

    def offerings(self) -> tuple[catalogue.Offering, ...]:
        """Every version of every offering."""
        return tuple(product.shown(one) for one in self._known.values())

    def offering(self, key: str, version: str | None = None) -> catalogue.Offering:
        """One offering; without a version what a sender gets who names none. NotFound."""
        found = self._find(key, version)
        if found is None:
            raise errors.NotFound(f"product offering {ascii(key)[:60]}")
        return product.shown(found)

    def decompose_product(
        self,
        item: catalogue.ProductItem,
        now: catalogue.ProductNow | None = None,
        *,
        kept: bool = False,
    ) -> catalogue.ProductDesign:
        """The service order items of a product order item. OrderRejected names the field."""
        _refuse_nameless(item, now)
        if item.action is views.ItemAction.NO_CHANGE:
            item = dataclasses.replace(item, name=None, offering_version=None, characteristics={})
        had = None if now is None else self._pick(item, now.offering, now.offering_version)
        of = self._pick(item, *self._named(item, now))
        wish = product.Wish(item, of, now, had, kept)
        if of.id != (had or of).id:
            raise wish.wrong(
                f"the product is of {(had or of).id}: a modify keeps the offering; terminate the "
                "product and order another"
            )
        if of is not had and of.status == "retired" and not kept:
            raise wish.wrong(
                f"product offering {of.id} {of.version} is retired: order another",
                code="retiredOffering",
            )
        return product.decompose(wish, self._judge)

    def _named(
        self, item: catalogue.ProductItem, now: catalogue.ProductNow | None
    ) -> tuple[str, str | None]:
        """The offering that an item is about: a product keeps what the item does not name."""
        if now is None:
            return item.offering, item.offering_version
        same = item.offering in {"", now.offering}
        kept = now.offering_version if same else None
        return item.offering or now.offering, item.offering_version or kept

    def _pick(self, item: catalogue.ProductItem, key: str, version: str | None) -> data.Offering:
        found = self._find(key, version)
        if found is None:
            active = (one for one in self._known.values() if one.status == "active")
            offered = ", ".join(f"{one.id} {one.version}" for one in active)
            raise errors.OrderRejected(
                f"there is no such product offering; the catalogue has {offered}",
                field=f"{item.path}.productOffering",
                code="unknownOffering",
            )
        return found

    def _find(self, key: str, version: str | None) -> data.Offering | None:
        return self._newest.get(key) if version is None else self._known.get((key, version))


def _refuse_nameless(item: catalogue.ProductItem, now: catalogue.ProductNow | None) -> None:
    adding = item.action is views.ItemAction.ADD
    if adding is (now is not None):
        why = "an added product gets its id from us" if adding else f"say what to {item.action}"
        raise errors.OrderRejected(why, field=f"{item.path}.product.id", code="invalidValue")
