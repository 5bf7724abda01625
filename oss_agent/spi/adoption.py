"""Services that are on devices already: what was found there, and how one becomes ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from oss_agent.spi.orders import Submitted
from oss_agent.spi.views import DryRun


@dataclass(frozen=True, slots=True)
class Part:
    """A template as one device has it: ``slots`` are those that its configuration tells.

    ``at`` is the node by which it was found, as people read it (``netconf /services/eline[name=a]``);
    ``unfit`` names the node because of which it is no whole one, "" when it is.
    """

    device: str
    template: str
    slots: Mapping[str, str]
    at: str
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a service, in the catalogue's terms. A person says whose it is.

    ``claims`` are the values that it has, by what it needs of pools. ``parts`` are where it was found;
    ``doubts`` say what does not fit together: none where it is a whole service.
    """

    id: str
    specification: str
    version: str
    name: str
    characteristics: Mapping[str, Any]
    claims: Mapping[str, str] = field(default_factory=dict[str, str])
    customer: str = ""
    parts: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What devices have that nobody owns: ``unfit`` is what is nearly a part of a service, and why not."""

    candidates: tuple[Candidate, ...]
    unfit: tuple[Part, ...] = ()


class Recogniser(Protocol):
    """The catalogue backwards."""

    def templates(self) -> frozenset[str]:
        """Every template that a service specification which takes orders is made of."""
        ...

    def recognise(self, parts: Sequence[Part]) -> Survey:
        """Join parts on many devices into services. Pure."""
        ...


class Adoptions(Protocol):
    """What an operator does with what is there already; every change is an order."""

    async def find(self, tenant: str, devices: Sequence[str]) -> Survey:
        """Read these devices' configurations and say what of them may become a service.

        What a service owns is left out. NotFound for an unknown device; OrderRejected (409) when one
        cannot be read.
        """
        ...

    async def plan(self, tenant: str, candidate: Candidate) -> DryRun:
        """What it would be as a service; ``differences`` are all that stand in the way."""
        ...

    async def run(
        self, tenant: str, by: str, candidate: Candidate, idempotency_key: str | None = None
    ) -> Submitted:
        """The order that adopts it. OrderRejected as for any order."""
        ...
