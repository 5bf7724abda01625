"""The catalogue as fulfilment sees it: picks the specification, then the pure functions decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oss_agent import errors
from oss_agent.catalog import check, decompose, ends, files, specification
from oss_agent.spi import catalogue, ledger, orders, views


class Specifications:
    """Implements ``spi.catalogue.Catalogue`` over loaded specifications."""

    def __init__(
        self, specifications: Sequence[specification.Specification], settings: Mapping[str, str]
    ) -> None:
        """``settings`` are the values of ``specification.SETTINGS`` that are set."""
        self._settings = dict(settings)
        self._known = {(one.id, one.version): one for one in specifications}
        # Sorted by version, so the last of an id stays: what a sender gets who names none.
        # A retired one only where there is nothing else, so that the refusal can say so.
        ordered = sorted(specifications, key=files.age)
        self._newest = {one.id: one for one in ordered}

    def check(self, item: orders.ItemRequest) -> views.SpecificationRef:
        """Judge what needs no state. A delete says nothing about characteristics.

        Only a new service needs a version that is active: living ones keep theirs.
        """
        spec = self._pick(item)
        if item.action is views.ItemAction.ADD:
            self._refuse_retired(item, spec)
        if item.action is not views.ItemAction.DELETE:
            check.check(item, spec)
        return decompose.reference(spec)

    def missing(self, item: orders.ItemRequest) -> tuple[str, ...]:
        """What has still to be said of it."""
        return ends.missing(item, self._pick(item))

    def needs(self, item: orders.ItemRequest) -> tuple[catalogue.PoolNeed, ...]:
        """Which pool values the design will need, with the sender's wishes."""
        return decompose.needs(self._pick(item), item)

    def devices(self, item: orders.ItemRequest) -> tuple[str, ...]:
        """The devices whose ports the item names."""
        return tuple(dict.fromkeys(end.device for end in ends.named(item, self._pick(item))))

    def decompose(
        self, item: orders.ItemRequest, snapshot: ledger.Snapshot, pools: Mapping[str, str]
    ) -> catalogue.Design:
        """CFS -> RFS -> resource intents; OrderRejected for what depends on state."""
        return decompose.decompose(self._pick(item), item, snapshot, pools, self._settings)

    def all(self) -> tuple[views.SpecificationRef, ...]:
        """What can be ordered, for lists."""
        return tuple(decompose.reference(one) for one in self._known.values())

    def _refuse_retired(self, item: orders.ItemRequest, spec: specification.Specification) -> None:
        newest = self._newest[spec.id]
        if spec.status == "retired":
            instead = f"order {newest.version}" if newest.status == "active" else "order another"
            raise errors.OrderRejected(
                f"service specification {spec.id} {spec.version} is retired: {instead}",
                field=f"{item.path}.service.serviceSpecification",
                code="retiredSpecification",
            )

    def _pick(self, item: orders.ItemRequest) -> specification.Specification:
        spec = (
            self._newest.get(item.specification)
            if item.specification_version is None
            else self._known.get((item.specification, item.specification_version))
        )
        if spec is None:
            active = (one for one in self._known.values() if one.status == "active")
            offered = ", ".join(f"{one.id} {one.version}" for one in active)
            raise errors.OrderRejected(
                f"there is no such service specification; the catalogue has {offered}",
                field=f"{item.path}.service.serviceSpecification",
                code="unknownSpecification",
            )
        return spec
