"""Configuration drift: what a device holds of ours, against what was read back after our change.

Inventory compares and audits; who talks to devices, who knows their platforms and who changes them
stand behind the Protocols here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from oss_agent.spi.tree import Path, Tree

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Kind(StrEnum):
    """How a node of ours differs; the value is the kind of its case."""

    CHANGED = "drift-changed"
    """it is there with another value, or its entries in another order"""
    MISSING = "drift-missing"
    """it is not there"""
    EXTRA = "drift-extra"
    """nobody ordered it, and it stands inside an entry of ours"""


class Decision(StrEnum):
    """What a platform's data say about drift at a path."""

    REPORT = "report"
    """a case, for a person"""
    REVERT = "revert"
    """a case, and an order of ours puts back what was configured"""
    ADOPT = "adopt"
    """a case, and an order of ours takes what is there as the service's own"""
    IGNORE = "ignore"
    """never judged: it changes by itself, or is nobody's business"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One node that is not as it was read back; ``services`` own it, or the entry it stands in.

    ``was`` and ``now`` are what people read: bounded, on one line, secrets masked; "" where nothing
    is there. ``mark`` tells two differences apart that look alike because they are masked or cut.
    ``whole``: it is where a service's part begins, and stands in nothing of a service. ``who`` did it
    is what the device says, "" when it does not.
    """

    store: str
    path: str
    kind: Kind
    was: str
    now: str
    services: tuple[str, ...]
    decision: Decision = Decision.REPORT
    mark: str = ""
    whole: bool = False
    who: str = ""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit of one device found; ``reason`` is why it was not judged, "" when it was.

    ``more`` differences were found beside those that are told.
    """

    device: str
    at: datetime
    differences: tuple[Difference, ...] = ()
    more: int = 0
    reason: str = ""


class Judgement(Protocol):
    """What the platforms' data say of paths. Pure."""

    def decision(self, platform: str, store: str, path: Path) -> Decision | None:
        """What drift at this very node, and below it, comes to; None where the data say nothing."""
        ...

    def masked(self, platform: str, store: str, text: str) -> str:
        """A line of configuration, or ``name value`` of a leaf, without what nobody may read."""
        ...


class Reader(Protocol):
    """Reading configuration by the logins that are open anyway."""

    async def read(self, device: str, store: str, paths: Sequence[Path], /) -> Tree:
        """What running has at these paths, which do not lie in one another. DeviceError."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """What a device says of one change of its configuration; ``targets`` are paths in its own form."""

    at: datetime
    user: str
    host: str
    session: str
    targets: tuple[str, ...]


class Witness(Protocol):
    """Asking a device who changed its configuration."""

    async def changes(self, device: str, store: str, since: datetime, /) -> tuple[Change, ...]:
        """What it says, oldest first; () when it does not say, or does not answer."""
        ...


class Quiet(Protocol):
    """Whether a device is left alone by orders: one that they have in work is never judged."""

    def since(self, connection: Connection, device: str, /) -> str | None:
        """A word that is another one as soon as an order could have changed the device.

        None while an order may be changing it, or waits for somebody to look at it.
        """
        ...


class Audits(Protocol):
    """Auditing, for surfaces."""

    async def check(self, tenant: str, target: str) -> tuple[Audited, ...]:
        """Audit now: a device, or the devices that a service (id or name) stands on.

        NotFound when it is neither. What was found becomes cases.
        """
        ...
