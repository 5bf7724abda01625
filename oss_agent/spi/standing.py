"""Whether we may write to a device: what it is, and on what its driver's laws have passed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device is to its driver; "" is unknown. ``os`` is what its version is of."""

    platform: str
    os: str = ""
    version: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """On what a driver's laws have passed: patterns that must match whole, and where it was shown.

    An empty ``version`` is a device that does not tell it.
    """

    version: re.Pattern[str]
    model: re.Pattern[str]
    why: str


class Proofs(Protocol):
    """What the installed drivers say of themselves (their ``quality.yaml``)."""

    def proven(self, platform: str) -> tuple[Proven, ...]:
        """What this platform's driver was proven on; () where nothing says so."""
        ...

    def driver(self, platform: str) -> str:
        """The version of the package that brings the driver; "" for an unknown platform."""
        ...
