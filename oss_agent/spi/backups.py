"""Backups of configurations: versions of what devices had, when, and by whose order.

Inventory keeps and judges; who talks to devices and knows their platforms stands behind ``Reader``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from oss_agent.spi.device import Datastore, Whole
from oss_agent.spi.query import Page

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Cause(StrEnum):
    """Why a device was looked at."""

    TURN = "its turn"
    ORDER = "an order of ours ended on it"
    HINT = "a trap hinted at a change"
    ASKED = "somebody asked"


@dataclass(frozen=True, slots=True)
class Part:
    """One configuration as a device just gave it."""

    store: str
    datastore: Datastore
    whole: Whole


class Reader(Protocol):
    """Devices, as far as a backup needs them."""

    async def read(self, device: str, /) -> tuple[Part, ...]:
        """Every store and datastore it has, by one login. DeviceError, ConfigurationError."""
        ...

    def quiet(self, connection: Connection, device: str, /) -> str | None:
        """A word that is another one once an order worked on the device; None while one does."""
        ...

    def masked(self, platform: str, store: str, text: str, name: Callable[[str], str]) -> str:
        """The text with ``name`` of each secret instead of it. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class BackupView:
    """One version: what was so from ``since`` until ``until`` (None: it still is).

    ``orders`` are those of ours that ended on the device since the look before, so that this is what
    they left; () when none did: somebody else changed it. ``size`` is in bytes. ``looked_at`` is the
    last good look at the device and ``trouble`` why the last look was not good ("" when it was): both
    tell of the device, and are the same for all its versions. No digest of the text is told: who may
    not see a secret in it could try guesses on one.
    """

    device: str
    tenant: str
    store: str
    datastore: str
    version: int
    size: int
    since: datetime
    until: datetime | None
    cause: str
    orders: tuple[str, ...]
    looked_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A version and its text; ``masked`` when secrets in it are not shown."""

    version: BackupView
    text: str
    masked: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one version to another, as a unified diff ("" when nothing did)."""

    older: BackupView
    newer: BackupView
    text: str
    masked: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a look: ``trouble`` is why it was none ("" when its texts were believed).

    ``changed`` are the versions that it made.
    """

    device: str
    at: datetime
    trouble: str
    reason: str
    changed: tuple[BackupView, ...] = ()


@dataclass(frozen=True, slots=True)
class Which:
    """A place of a device. ``store`` "" is the first one that has a version."""

    tenant: str
    device: str
    store: str = ""
    datastore: Datastore = Datastore.RUNNING


@dataclass(frozen=True, slots=True)
class Point:
    """Which version of a place: by its number, or as of a moment; neither is the newest.

    ``before`` is how many versions before that one.
    """

    version: int | None = None
    at: datetime | None = None
    before: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list."""

    offset: int = 0
    limit: int = 1_000


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who asks, and whether to see secrets: ``name`` None is nobody who may."""

    name: str | None = None

    @property
    def sees(self) -> bool:
        """Are secrets shown?"""
        return self.name is not None


class Backups(Protocol):
    """What a surface may do with backups. Whoever sees the device sees them."""

    async def find(
        self, tenant: str, device: str | None, at: datetime | None, window: Window, /
    ) -> Page[BackupView]:
        """What holds now, or held at a moment; of one device without a moment, all its versions."""
        ...

    async def show(self, which: Which, point: Point, watcher: Watcher) -> Shown:
        """One version's text. NotFound says from when on there is one."""
        ...

    async def compare(
        self, which: Which, older: Point, newer: Point, watcher: Watcher
    ) -> Difference:
        """What changed between two versions."""
        ...

    async def unsaved(self, which: Which, watcher: Watcher) -> Difference:
        """What a restart would lose: startup against running."""
        ...

    async def take(self, tenant: str, device: str) -> Taken:
        """Look at a device now. NotFound."""
        ...
