"""What can be ordered and what it becomes: the catalogue decides, fulfilment carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from oss_agent.spi.ledger import Snapshot
from oss_agent.spi.orders import ItemRequest
from oss_agent.spi.products import ProductStatus
from oss_agent.spi.proof import Predicate
from oss_agent.spi.views import ItemAction, SpecificationRef


@dataclass(frozen=True, slots=True)
class PoolNeed:
    """A value the design needs from a pool; ``name`` is the slot it fills (``vni``).

    ``wanted`` is the sender's explicit wish, already in range, or a length (``/29``); else None.
    """

    name: str
    pool: str
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceIntent:
    """One RFS end: what should exist on one device.

    ``template`` names a tree in device_models/<platform>/, ``slots`` fill it (text, validated by the
    template's slot types), ``ports`` are taken exclusively.
    """

    rfs: str
    device: str
    template: str
    slots: Mapping[str, str]
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeterPoint:
    """A service access port whose octets are usage."""

    device: str
    port: str


class OutOfBand(StrEnum):
    """What to do when somebody else changed a service's own configuration."""

    ABORT = "abort"
    """stop, show the difference, leave it to a person"""
    REVERT = "revert"
    """ours is put back over it, in our own part only"""
    ADOPT = "adopt"
    """it becomes the service's, where it is not in the way of what is ordered"""
    ACCEPT = "accept"
    """as adopt, for this transaction; what should be stays as it was"""
    AS_IS = "as-is"
    """an adoption: what is there already and nobody's becomes the service's exactly as it is; where
    anything would have to change, nothing does and the order fails. An operator's word on a new
    service alone: no specification has it as its policy"""


@dataclass(frozen=True, slots=True)
class Design:
    """A customer-facing service decomposed: replayable from (catalogue version, item, snapshot).

    ``ordered`` are the characteristics as they were ordered in all, wishes and no chosen values:
    what a modify lays its changes over. ``by_hand`` is what a person chose for this order instead
    of ``out_of_band``. ``suspended``: it keeps what it holds, and nothing of it is configured.
    Fulfilment fills all three in.
    """

    specification: SpecificationRef
    name: str
    characteristics: Mapping[str, Any]
    pools: Mapping[str, str]
    resources: tuple[ResourceIntent, ...]
    predicates: tuple[Predicate, ...]
    meters: tuple[MeterPoint, ...] = field(default=())
    out_of_band: OutOfBand = OutOfBand.ABORT
    ordered: Mapping[str, Any] = field(default_factory=dict[str, Any])
    by_hand: OutOfBand | None = None
    suspended: bool = False

    @property
    def policy(self) -> OutOfBand:
        """What is done about edits by hand."""
        return self.by_hand or self.out_of_band


@dataclass(frozen=True, slots=True)
class Offering:
    """A product that can be ordered, in one version: ``parts`` are what its services are called.

    ``characteristics`` are what a sender may say, name -> sentence. ``active``: it takes new orders.
    """

    id: str
    version: str
    name: str
    active: bool
    parts: tuple[str, ...]
    characteristics: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProductItem:
    """One item of a product order, already of the right shape (not yet of the right content).

    ``path`` is where it stands in the sender's body (``productOrderItem[0]``). Of a modify,
    ``characteristics`` are the changed ones; one that is None is taken back. ``status`` is what it
    wants the product to be: suspended or active, None to leave it.
    """

    id: str
    action: ItemAction
    offering: str
    offering_version: str | None
    name: str | None
    characteristics: Mapping[str, Any]
    path: str
    status: ProductStatus | None = None


@dataclass(frozen=True, slots=True)
class ProductNow:
    """A living product, as modify and delete need it; it keeps its offering's version.

    ``ordered`` are its characteristics as they were ordered in all, ``services`` the id of the
    living service of each part that it has. ``suspended``: one of them is. ``actual``: what was ordered
    of a part's service in all, also by orders of its own; a part that is not in it is as the product.
    """

    offering: str
    offering_version: str
    name: str
    ordered: Mapping[str, Any]
    services: Mapping[str, str]
    suspended: bool = False
    actual: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class ServicePart:
    """One service order item that a product order item becomes.

    ``after`` are the ids of items of the same decomposition that must be completed first
    (TMF641 serviceOrderItemRelationship ``dependency``). ``words``: which characteristic of the
    product says each of the service's.
    """

    part: str
    item: ItemRequest
    after: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ProductDesign:
    """A product order item decomposed: replayable from (offering version, item, what it is now).

    ``ordered`` are the characteristics that it comes to in all; nothing of a delete. ``parts`` are
    in an order that respects ``after``; none when a modify changes nothing.
    """

    offering: Offering
    name: str
    ordered: Mapping[str, Any]
    parts: tuple[ServicePart, ...]


class Products(Protocol):
    """Product offerings as data: what they may be told, and which services they become. Pure."""

    def offerings(self) -> tuple[Offering, ...]:
        """Every version of every offering."""
        ...

    def offering(self, key: str, version: str | None = None) -> Offering:
        """One offering; without a version the newest active one. NotFound."""
        ...

    def decompose_product(
        self, item: ProductItem, now: ProductNow | None = None, *, kept: bool = False
    ) -> ProductDesign:
        """Judge a product order item without state, and say which service order items it becomes.

        ``now`` is the product that a modify or delete names, None of an add. ``kept`` as in
        ``Catalogue.check``. OrderRejected names the field
        (``productOrderItem[0].product.productCharacteristic[bandwidth]``), also of what a service
        specification refuses.
        """
        ...


class Catalogue(Protocol):
    """Versioned specifications as data; everything here is pure."""

    def check(self, item: ItemRequest, *, kept: bool = False) -> SpecificationRef:
        """Judge what needs no state: specification, characteristics, types, ranges, grammar.

        ``kept``: its order was accepted when its version was offered, and keeps it though it may be
        retired by now. OrderRejected naming the field (``serviceOrderItem[0].service.serviceCharacteristic[bandwidth]``).
        """
        ...

    def has(self, of: SpecificationRef, *, resource: bool = False) -> bool:
        """Is this version loaded? ``resource``: among those that can be ordered by themselves.

        For the unit that stores an order: files may have been read again since it was judged.
        """
        ...

    def missing(self, item: ItemRequest) -> tuple[str, ...]:
        """Which required characteristics an item has still to be told: they may come later."""
        ...

    def needs(self, item: ItemRequest) -> tuple[PoolNeed, ...]:
        """Which pool values the design will need."""
        ...

    def devices(self, item: ItemRequest) -> tuple[str, ...]:
        """The devices whose ports the item names: what ``snapshot`` has to know for ``decompose``."""
        ...

    def decompose(self, item: ItemRequest, snapshot: Snapshot, pools: Mapping[str, str]) -> Design:
        """CFS -> RFS -> resource intents. ``snapshot`` may know more devices and services.

        OrderRejected for what depends on state (unknown device or port, no such platform
        template): fulfilment then rejects the acknowledged order.
        """
        ...
