"""The catalogue as fulfilment sees it: picks the specification, then the pure functions decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oss_agent import errors
from oss_agent.catalog import check, decompose, ends, files, specification
from oss_agent.spi import catalogue, ledger, orders, views


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Specifications by id and version, and of each id what a sender gets who names no version."""

    known: Mapping[tuple[str, str], specification.Specification]
    newest: Mapping[str, specification.Specification]

    @classmethod
    def of(cls, specifications: Sequence[specification.Specification]) -> _Shelf:
        """Sort them out."""
        # Sorted by version, so the last of an id stays: what a sender gets who names none.
        # A retired one only where there is nothing else, so that the refusal can say so.
        ordered = sorted(specifications, key=files.age)
        known = {(one.id, one.version): one for one in specifications}
        return cls(known, {one.id: one for one in ordered})


class Specifications:
    """Implements ``spi.catalogue.Catalogue`` over loaded specifications."""

    def __init__(
        self,
        specifications: Sequence[specification.Specification],
        settings: Mapping[str, str],
        resources: Sequence[specification.Specification] = (),
    ) -> None:
        """``settings`` are the values of ``specification.SETTINGS`` that are set.

        ``resources`` are those that can be ordered by themselves; their ids are a space of their own.
        """
        self._settings = dict(settings)
        self._services, self._resources = _Shelf.of(specifications), _Shelf.of(resources)

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
        return tuple(decompose.reference(one) for one in self._services.known.values())

    def _among(self, item: orders.ItemRequest) -> _Shelf:
        return self._resources if item.resource else self._services

    def _refuse_retired(self, item: orders.ItemRequest, spec: specification.Specification) -> None:
        newest = self._among(item).newest[spec.id]
        if spec.status == "retired":
            instead = f"order {newest.version}" if newest.status == "active" else "order another"
            raise errors.OrderRejected(
                f"{item.about} specification {spec.id} {spec.version} is retired: {instead}",
                field=item.field("specification"),
                code="retiredSpecification",
            )

    def _pick(self, item: orders.ItemRequest) -> specification.Specification:
        among = self._among(item)
        spec = (
            among.newest.get(item.specification)
            if item.specification_version is None
            else among.known.get((item.specification, item.specification_version))
        )
        if spec is None:
            active = (one for one in among.known.values() if one.status == "active")
            offered = ", ".join(f"{one.id} {one.version}" for one in active) or "none"
            by_itself = " that can be ordered by itself" if item.resource else ""
            raise errors.OrderRejected(
                f"there is no such {item.about} specification{by_itself}; the catalogue has {offered}",
                field=item.field("specification"),
                code="unknownSpecification",
            )
        return spec
