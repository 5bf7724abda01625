"""Cases: what was seen of the network that a person should look at. Inventory owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query


class Decision(StrEnum):
    """What a person may decide about a case."""

    ACCEPT = "accept"
    """what was seen is right"""
    IGNORE = "ignore"
    """not now: it comes back by itself"""
    REVERT = "revert"
    """make the network as it was ordered"""
    ADOPT = "adopt"
    """make what was found what is ordered"""


class CaseState(StrEnum):
    """What became of a case that is still seen; one that is not seen any more has ended."""

    OPEN = "open"
    ACCEPTED = "accepted"
    IGNORED = "ignored"
    """until its time; then it is open again"""
    BEGUN = "begun"
    """a revert or adoption is under way, named by ``begun``"""


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case: what is so since when, why probably, whose it is, and what a person may do.

    ``subject`` is a device or a port of it (``pe1:eth4``), ``kind`` a stable word, ``evidence``
    exactly what was seen: a decision is about that and about nothing else. ``actions`` are the
    decisions that are safe here, ``action`` says in words what to do. ``decision`` and what follows
    it say what was decided; ``begun`` what it set going (an order's id). Where ``begun`` stands in an
    open case that was tried and came to nothing, and ``reason`` says how.
    """

    id: str
    tenant: str
    device: str
    subject: str
    kind: str
    text: str
    cause: str
    action: str
    evidence: str
    since: datetime
    owner: str = "operator"
    actions: tuple[str, ...] = ()
    state: CaseState = CaseState.OPEN
    decision: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
    until: datetime | None = None
    begun: str = ""


class Decider(Protocol):
    """Who carries out reverts and adoptions of some kinds of case: handed over by ``app``."""

    async def decide(self, case: CaseView, decision: str, who: str) -> str:
        """Begin it and return what was begun (an order's id).

        Called before the decision is stored, so a crash between may call it again: what it begins is
        keyed by the case's id. OrderRejected or Conflict refuses, and the case stays as it was.
        """
        ...


class Cases(Protocol):
    """What a surface may do with cases."""

    async def find(self, query: Query, /, when: AsOf | None = None) -> Page[CaseView]:
        """Cases by id, device, subject, kind, owner, state; as they were ``when``, now by default."""
        ...

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> CaseView:
        """One case; NotFound when none such was there."""
        ...

    async def counts(self, tenant: str, when: AsOf | None = None) -> Mapping[str, int]:
        """How many there are, by state."""
        ...

    async def decide(
        self,
        tenant: str,
        key: str,
        decision: str,
        who: str,
        *,
        reason: str = "",
        until: datetime | None = None,
    ) -> CaseView:
        """What a person decided, audited. ``ignore`` needs ``until``, the others take none.

        NotFound when no such case is open; OrderRejected naming what can be done instead.
        """
        ...

    async def accept(self, tenant: str, key: str, who: str) -> CaseView:
        """A person says that what was seen is right. NotFound when no such case is open."""
        ...
