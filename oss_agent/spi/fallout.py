"""What failed for good and is kept until a person decides: which there is, and what may be done.

The network is as before by then: the attempt was undone and that was read back. Only what is
``UNSETTLED`` is not, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from oss_agent.spi.views import EvidenceView, ItemAction, ParticipantView


class Policy(StrEnum):
    """What becomes of an item that fails for a lasting cause."""

    FAIL = "fail"
    """it ends failed"""
    HOLD = "hold"
    """it is held, with what it reserved, until a person decides or its time is over"""
    ROLLBACK = "rollback"
    """all or nothing: what its order had completed is undone; a person decides where that cannot be"""


class Kind(StrEnum):
    """What sort of trouble it is."""

    FAILED = "failed"
    """an item's attempt was undone; the network is as before"""
    ROLLBACK = "rollback"
    """the order that was to undo what its order had completed did not do so wholly"""
    UNSETTLED = "unsettled"
    """a device is not as was decided, and trying again has not helped for long"""


class Action(StrEnum):
    """What a person may decide."""

    RETRY = "retry"
    """a new attempt; of an unsettled device: look at it now"""
    REPAIR = "repair"
    """other characteristics, then a new attempt"""
    SKIP = "skip"
    """it ends failed, and what comes after it goes on as if it were completed"""
    ROLLBACK = "rollback"
    """it ends failed, and what its order had completed is undone"""


@dataclass(frozen=True, slots=True)
class FalloutView:
    """An item in trouble. ``until`` is when it ends failed by itself; None: it is tried for ever.

    ``cause`` is a stable word, ``reason`` a sentence, ``actions`` are those that are safe.
    """

    tenant: str
    order: str
    item: str
    kind: Kind
    cause: str
    reason: str
    service: str
    service_name: str
    action: ItemAction
    since: datetime
    until: datetime | None
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class FalloutDetail:
    """The same with what a person decides by.

    ``rollback`` says what a rollback would do, a sentence for each item of the order that is
    completed; ``obstacles`` why it would be refused.
    """

    fallout: FalloutView
    characteristics: Mapping[str, Any]
    evidence: tuple[EvidenceView, ...]
    devices: tuple[ParticipantView, ...]
    rollback: tuple[str, ...]
    obstacles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about an item; ``by_order`` is the order of ours that undoes its order."""

    order: str
    item: str
    action: Action
    message: str
    by_order: str | None = None


class FalloutDesk(Protocol):
    """Where people decide about what failed. Item None: the order's only one in trouble.

    Each decision raises NotFound when there is no such item in trouble, OrderRejected (409) naming
    why when it is not safe now; the audit log has who decided what.
    """

    async def standing(self, tenant: str) -> tuple[FalloutView, ...]:
        """All there is, oldest first."""
        ...

    async def look(self, tenant: str, order: str) -> tuple[FalloutDetail, ...]:
        """What there is of one order, with what to decide by. NotFound without any."""
        ...

    async def retry(self, tenant: str, by: str, order: str, item: str | None) -> Decided:
        """A new attempt now."""
        ...

    async def repair(
        self, tenant: str, by: str, order: str, item: str | None, wanted: Mapping[str, Any]
    ) -> Decided:
        """Replace these characteristics (None takes one back), reserve the difference, try again.

        Judged as an order is: OrderRejected (400) names the field, 409 what is not free; nothing
        has changed then.
        """
        ...

    async def skip(self, tenant: str, by: str, order: str, item: str | None) -> Decided:
        """End it failed; what comes after it in its order goes on."""
        ...

    async def rollback(self, tenant: str, by: str, order: str, item: str | None) -> Decided:
        """Undo what its order had completed, newest first, then end it failed."""
        ...
