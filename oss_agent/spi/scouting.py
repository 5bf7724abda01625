"""Taking in devices by their addresses: what is there, what it is, and which keys it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Login:
    """As whom the devices are to be reached later; ``community`` is asked with at once (SNMP v2c).

    The password is kept for when a device's host key is pinned: before that it is sent to nobody.
    """

    username: str = ""
    password: str | None = field(default=None, repr=False)
    community: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scouted:
    """What became of one address: ``outcome`` is created, known or silent.

    ``fingerprints`` are those of the host keys it shows, for a person to compare; ``reason`` says
    what keeps it from being managed, or why it is not taken in. ``device`` is "" where another
    tenant's has the address.
    """

    address: str
    outcome: str
    device: str = ""
    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    platform: str = ""
    managed: bool = False
    fingerprints: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    reason: str = ""


class Scout(Protocol):
    """Onboarding by address."""

    async def onboard(
        self, tenant: str, targets: Sequence[str], login: Login, *, platform: str = ""
    ) -> tuple[Scouted, ...]:
        """Look at every address of ``targets`` and take in what answers there, unmanaged at first.

        A target is an address, a range (``192.0.2.1-192.0.2.9``) or a prefix. ``platform`` is what
        the operator knows them to be, where they do not say it themselves. OrderRejected, before
        anything is asked, with a sentence on what cannot be.
        """
        ...
