"""How an order comes in and what may be asked of it: the bridge and the API call, fulfilment owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import (
    BY_ITSELF,
    CUSTOMER_FACING,
    CancelView,
    DryRun,
    Explanation,
    ItemAction,
    PlanView,
    ServiceOrderView,
    ServiceState,
)

ACTIVATION = "TMF640"
"""``OrderRequest.surface`` of an order of one item that somebody watches as a TMF640 monitor."""
ADOPTION = "adoption"
"""The same of an order that adopts what is there already (``catalogue.OutOfBand.AS_IS``)."""


ITEMS: Final = 100
"""Items of one order, nested ones included."""
RELATIONS: Final = 1_000
"""What an order and its items come after, all together."""
DEPTH: Final = 5
"""Items nested in one another."""
_PREFIXED: Final = frozenset({"specification", "characteristic"})
OF_RESOURCES: Final = "ro"
"""How the ids of orders of resources by themselves begin (TMF652)."""
_BY_ITSELF: Final = "r"


def of_resources(order: str) -> bool:
    """Is this the id of an order of resources by themselves?"""
    return order.startswith(OF_RESOURCES)


def by_itself(service: str) -> bool:
    """Is what has this id a resource by itself, and no service? Both are built in the same way."""
    return service.startswith(_BY_ITSELF)


def made_by(order: str, position: int) -> str:
    """The id of what an item that adds makes: ``s17-1`` of order 17, ``r17-1`` of ro17."""
    if of_resources(order):
        return f"{_BY_ITSELF}{order.removeprefix(OF_RESOURCES)}-{position}"
    return f"s{order}-{position}"


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """One item as the sender wrote it, already of the right shape (not yet of the right content).

    ``path`` is where it stands in the sender's body (``serviceOrderItem[0]``), so that a refusal can
    name the field. ``characteristics`` are name -> JSON value. Of a ``resource`` (TMF652) what is
    said of its service means the resource: id, name, specification.
    """

    id: str
    action: ItemAction
    specification: str
    specification_version: str | None
    service_id: str | None
    service_name: str | None
    characteristics: Mapping[str, Any]
    path: str
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: tuple[str, ...] = ()
    """ids of items of the same order that must be completed before this one begins"""
    service_state: ServiceState | None = None
    """what a modify wants the service to be: inactive suspends it, active resumes it"""
    after_others: tuple[tuple[str, str], ...] = ()
    """the same of items of other orders: order id, item id"""
    parent: str | None = None
    """id of the item that it is nested in; that one stands before it"""
    resource: bool = False
    """it is about a resource by itself, which no service has"""
    claims: Mapping[str, str] = field(default_factory=dict[str, str])
    """values by the names of its needs of pools (``vni``, ``transit.pe1``), none else will do: of a new
    service that is adopted those that it has already, of a modify that undoes one those from before"""

    @property
    def about(self) -> str:
        """What it is about, as its sender's body names it."""
        return "resource" if self.resource else "service"

    @property
    def category(self) -> str:
        """Which rows of the inventory it is about: a customer's service, or a resource by itself."""
        return BY_ITSELF if self.resource else CUSTOMER_FACING

    @property
    def relationship(self) -> str:
        """Where it says what it comes after."""
        return f"{self.path}.{'o' if self.resource else 'serviceO'}rderItemRelationship"

    def field(self, name: str) -> str:
        """Where an attribute of what it is about stands: ``specification``, ``characteristic`` too."""
        own = f"{self.about}{name.capitalize()}" if name in _PREFIXED else name
        return f"{self.path}.{self.about}.{own}"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A service order to accept.

    ``body_digest`` is SHA-256 hex of the canonical body: same key and same digest is the same
    order again. ``requester`` is the authenticated sender or the related party it named.
    """

    tenant: str
    requester: str
    items: tuple[ItemRequest, ...]
    body_digest: str
    approved: tuple[str, ...] = ()
    """a plan hash per item, when the sender approved what a dry-run showed"""
    by_hand: str | None = None
    """what becomes of edits by hand (``catalogue.OutOfBand``), when an operator chose it"""
    fallout: str | None = None
    """what becomes of an item that fails for good (``fallout.Policy``), when its sender said so"""
    idempotency_key: str | None = None
    external_id: str | None = None
    description: str | None = None
    category: str | None = None
    priority: str | None = None
    requested_start: datetime | None = None
    requested_completion: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: tuple[str, ...] = ()
    """ids of orders that must be completed before any item of this one begins"""
    surface: str | None = None
    """the API that made it of a request of its own and watches it by a monitor (``ACTIVATION``)"""

    @property
    def resources(self) -> bool:
        """Is it of resources by themselves (TMF652)? An order is of these or of services."""
        return any(item.resource for item in self.items)

    @property
    def array(self) -> str:
        """What its body calls its items."""
        return "orderItem" if self.resources else "serviceOrderItem"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The order, and whether this call made it (False: the same request came before)."""

    order: ServiceOrderView
    created: bool


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What an item asks for now: all its characteristics, those that are as before too.

    ``extra``: what the sender wrote beside them, None: as before.
    """

    id: str
    characteristics: Mapping[str, Any]
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """What an order shall be instead, as somebody decided who saw it as ``expected``.

    ``attributes`` are new values (None: taken back) by their names in ``ServiceOrderView``, of
    ``AMENDABLE`` only. ``extra`` is all that we do not model, None: as before. ``hold``: put it on
    hold (True) or release it (False).
    """

    expected: ServiceOrderView
    by: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra: Mapping[str, Any] | None = None
    items: tuple[ItemChange, ...] = ()
    hold: bool | None = None


AMENDABLE = (
    "category",
    "description",
    "priority",
    "requested_completion",
    "requested_start",
)
"""Attributes of an order that may change while it runs."""


class Orders(Protocol):
    """Service orders, owned by fulfilment."""

    async def submit(self, request: OrderRequest) -> Submitted:
        """Store and acknowledge, synced. OrderRejected (4xx) when it can be judged without state."""
        ...

    async def plan(self, request: OrderRequest) -> tuple[DryRun, ...]:
        """What it would do, one per item; claims and stores nothing. Raises as ``submit``."""
        ...

    async def find(self, query: Query, /) -> Page[ServiceOrderView]:
        """Orders that match; filter paths are TMF641 attribute names."""
        ...

    async def get(self, tenant: str, key: str) -> ServiceOrderView:
        """One order; NotFound."""
        ...

    async def plans(self, tenant: str, key: str) -> tuple[PlanView, ...]:
        """What each item would send, was approved to send, and the difference. NotFound."""
        ...

    async def approve(self, tenant: str, by: str, key: str, plan: str) -> str:
        """Approve the plan with this hash (or its first 12 characters) that an item waits with.

        Returns the item's id. NotFound when nothing waits; OrderRejected (409) for another plan.
        """
        ...

    async def choose(self, tenant: str, by: str, key: str, policy: str) -> tuple[str, ...]:
        """What becomes of edits by hand (``catalogue.OutOfBand``), for this order's items that wait.

        Returns the items' ids. NotFound when none waits.
        """
        ...

    async def explain(self, tenant: str, key: str) -> Explanation:
        """What it waits for, since when, who can help."""
        ...

    async def amend(self, wish: Amendment) -> ServiceOrderView:
        """Change an order that has not ended, synced: all of the wish or nothing.

        What was begun for an item that is changed is undone and planned anew. Conflict when the
        order is not ``wish.expected`` any more; OrderRejected: 400 names what is wrong, 409 the
        state, or the item that is past its point of no return.
        """
        ...

    async def hold(self, tenant: str, by: str, key: str, reason: str) -> ServiceOrderView:
        """Keep from going on what is not decided: what was begun is undone, and waits.

        NotFound; OrderRejected (409) when nothing of it can be held, or it is on hold already.
        """
        ...

    async def release(self, tenant: str, by: str, key: str) -> ServiceOrderView:
        """Let what is on hold go on. NotFound; OrderRejected (409) when it is not on hold."""
        ...


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The wish that an order be cancelled, at once or at ``requested``."""

    tenant: str
    order: str
    asked_by: str
    reason: str | None = None
    requested: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Cancellations(Protocol):
    """The tasks that cancel orders, owned by fulfilment."""

    async def request(self, wish: CancelRequest) -> CancelView:
        """Store the task, synced; it is carried out afterwards.

        NotFound without such an order; OrderRejected (409) when the order has ended, or is being
        cancelled already. Whether it is past its point of no return is what the task finds out.
        """
        ...

    async def find(self, query: Query, /) -> Page[CancelView]:
        """Tasks that match; filter paths are TMF641 attribute names."""
        ...

    async def get(self, tenant: str, key: str) -> CancelView:
        """One task; NotFound."""
        ...
