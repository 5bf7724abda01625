"""What the catalogue has, for whoever shows it (TMF633, TMF634): specifications as views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from oss_agent.spi.proof import Scalar
from oss_agent.spi.views import SpecificationRef


class Facing(StrEnum):
    """Whose view of the network a specification is (the SID's words)."""

    CUSTOMER = "customer-facing"
    RESOURCE = "resource-facing"
    NONE = "resource"


@dataclass(frozen=True, slots=True)
class CharacteristicView:
    """What may be said of one value.

    ``kind`` is its JSON type (``integer``, ``string``, ``array``); ``minimum`` and ``maximum`` bound
    an integer, or the elements of an array, whose members ``fields`` tells. ``regex`` is what a text
    must match as a whole. ``configurable``: a sender may say it.
    """

    name: str
    kind: str
    text: str
    required: bool
    minimum: int | None = None
    maximum: int | None = None
    regex: str | None = None
    configurable: bool = True
    fields: tuple[CharacteristicView, ...] = ()


@dataclass(frozen=True, slots=True)
class PredicateView:
    """What must be true of each service of a specification, as its file says it.

    ``per`` is what it is asked once for (an end, a pair of ends, a device); ``expect`` are the
    bounds; ``must``: what cannot be observed fails it.
    """

    kind: str
    per: str
    must: bool
    expect: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class SpecificationView:
    """One specification in one version.

    ``services`` are the resource-facing ones that a customer-facing one relies on, ``resources``
    what a resource-facing one is made of, ``predicates`` what is proven of a customer-facing one.
    ``updated`` is the day its file was last changed.
    """

    id: str
    version: str
    name: str
    text: str
    facing: Facing
    active: bool
    updated: date
    characteristics: tuple[CharacteristicView, ...]
    services: tuple[SpecificationRef, ...] = ()
    resources: tuple[SpecificationRef, ...] = ()
    predicates: tuple[PredicateView, ...] = ()


class Shelf(Protocol):
    """Everything there is, of every version, in one order; the same for every tenant."""

    def services(self) -> tuple[SpecificationView, ...]:
        """Customer-facing and resource-facing service specifications."""
        ...

    def resources(self) -> tuple[SpecificationView, ...]:
        """Resource specifications."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where, from what to what (None: it is not there), and what it means."""

    place: str
    before: Any
    after: Any
    effect: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one id and version between two catalogues: new, changed or gone.

    Or that it is not to be ordered: ``effect`` says why.
    """

    kind: str
    id: str
    version: str
    what: str
    effect: str
    changes: tuple[Change, ...] = ()


class Files(Protocol):
    """The catalogue's files, which may have been edited since they were read."""

    async def pending(self) -> tuple[Moved, ...]:
        """What taking them would change. OrderRejected (409) with every mistake in them."""
        ...

    async def reload(self, tenant: str, by: str) -> tuple[Moved, ...]:
        """Take them: all, or with a mistake none. What that changed, and what cannot be ordered by now.

        OrderRejected (409) also when something that lives needs a file that is gone.
        """
        ...
