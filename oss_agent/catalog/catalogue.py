"""The catalogue as fulfilment sees it: picks the specification, then the pure functions decide."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oss_agent import errors
from oss_agent.catalog import check, decompose, ends, files, recognition, specification
from oss_agent.spi import adoption, catalogue, ledger, orders, views


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Specifications by id and version, and of each id what a sender gets who names no version."""

    known: Mapping[tuple[str, str], specification.Specification]
    newest: Mapping[str, specification.Specification]

    @classmethod
    def of(
        cls, specifications: Sequence[specification.Specification], pools: Collection[str]
    ) -> _Shelf:
        """Sort them out; ``pools`` are those that there are."""

        # The last of an id stays, what a sender gets who names no version: the newest of those that
        # lack the fewest pools, so that a new version takes no service off the shelf of a daemon
        # whose settings are older. A retired one only where there is nothing else, so that the
        # refusal can say so.
        def rank(one: specification.Specification) -> tuple[bool, int, tuple[int, ...]]:
            active, version = files.age(one)
            return active, -len(_lacking(one, pools)), version

        ordered = sorted(specifications, key=rank)
        known = {(one.id, one.version): one for one in specifications}
        return cls(known, {one.id: one for one in ordered})


def _lacking(spec: specification.Specification, pools: Collection[str]) -> tuple[str, ...]:
    named = (one.pool for one in spec.pools.values())
    return tuple(dict.fromkeys(pool for pool in named if pool not in pools))


class Specifications:
    """Implements ``spi.catalogue.Catalogue`` over loaded specifications."""

    def __init__(
        self,
        specifications: Sequence[specification.Specification],
        settings: Mapping[str, str],
        resources: Sequence[specification.Specification] = (),
        pools: Collection[str] | None = None,
    ) -> None:
        """``settings`` are the values of ``specification.SETTINGS`` that are set.

        ``resources`` are those that can be ordered by themselves; their ids are a space of their own.
        ``pools`` are the names of those that there are; None: whoever claims will see.
        """
        self._settings, self._pools = dict(settings), pools
        there = pools or ()
        self._services, self._resources = (
            _Shelf.of(specifications, there),
            _Shelf.of(resources, there),
        )

    def check(self, item: orders.ItemRequest, *, kept: bool = False) -> views.SpecificationRef:
        """Judge what needs no state. A delete says nothing about characteristics.

        Only a new service needs a version that is active and whose pools there are: living ones keep
        theirs, with the values that they have, and so do orders that were accepted (``kept``).
        """
        spec = self._pick(item)
        if item.action is views.ItemAction.ADD and not kept:
            self._refuse_retired(item, spec)
            self._refuse_lacking(item, spec)
        if item.action is not views.ItemAction.DELETE:
            check.check(item, spec)
        return decompose.reference(spec)

    def has(self, of: views.SpecificationRef, *, resource: bool = False) -> bool:
        """Is this version loaded?"""
        among = self._resources if resource else self._services
        return (of.id, of.version) in among.known

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

    def templates(self) -> frozenset[str]:
        """Every template that a service specification which takes orders is made of."""
        return recognition.templates(self._offered())

    def recognise(self, parts: Sequence[adoption.Part]) -> adoption.Survey:
        """Which services parts on devices make up."""
        return recognition.recognise(parts, self._offered(), self._settings)

    def lacking(self) -> Mapping[str, tuple[str, ...]]:
        """The pools that there are not, by service specification and version that takes orders."""
        active = (one for one in self._services.known.values() if one.status == "active")
        found = ((one, self._lacks(one)) for one in active)
        return {f"{one.id} {one.version}": pools for one, pools in found if pools}

    def short(self) -> Mapping[tuple[str, str], int]:
        """How many pools each version lacks, for who picks among versions; where none are known, all."""
        there = self._pools or ()
        return {key: len(_lacking(one, there)) for key, one in self._services.known.items()}

    def _lacks(self, spec: specification.Specification) -> tuple[str, ...]:
        return () if self._pools is None else _lacking(spec, self._pools)

    def _offered(self) -> list[specification.Specification]:
        """Every version that a sender may get, the newest of each first."""
        known = (one for one in self._services.known.values() if one.status == "active")
        return sorted((one for one in known if not self._lacks(one)), key=files.age, reverse=True)

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

    def _refuse_lacking(self, item: orders.ItemRequest, spec: specification.Specification) -> None:
        if lacking := self._lacks(spec):
            few = len(lacking) == 1
            raise errors.OrderRejected(
                f"{item.about} specification {spec.id} {spec.version} takes values from the "
                f"{'pool' if few else 'pools'} {', '.join(lacking)}, which the settings do not have: "
                f"add {'it' if few else 'them'} there, or name another version",
                field=item.field("specification"),
                status=422,
                code="noSuchPool",
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
