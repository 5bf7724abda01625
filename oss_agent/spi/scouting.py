"""Taking in devices by their addresses: what is there, what it is, and which keys it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import StrangerView


@dataclass(frozen=True, slots=True)
class Login:
    """As whom the devices are to be reached later; ``community`` is asked with at once (SNMP v2c).

    The password is kept for when a device's host key is pinned: before that it is sent to nobody.
    """

    username: str = ""
    password: str | None = field(default=None, repr=False)
    community: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where SSH and NETCONF are looked for, the first that answers counts; empty: not at all."""

    ssh: tuple[int, ...] = (22,)
    netconf: tuple[int, ...] = (830,)


@dataclass(frozen=True, slots=True)
class Scouted:
    """What became of one address: ``outcome`` is created, known, named, silent or left out.

    Named is one that was known without anybody knowing what it is, and the operator says it; left out
    is a neighbour's that cannot be believed to be its own.

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
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    """where it answers, by protocol, other than on the usual ports"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A neighbour that is nobody of ours: what it says it is, and where it says it is managed.

    ``addresses`` has the best first, ``heard`` the ports that hear it (``pe1:eth3``). ``device`` is ours
    that has its address; ``reason`` says why it is not asked when neighbours are, "" where it is.
    """

    it: StrangerView
    addresses: tuple[str, ...]
    heard: tuple[str, ...]
    last_heard: datetime
    device: str = ""
    reason: str = ""


USUAL: Final = Ports()
"""RFC 4253 4.1 and RFC 6242 4"""


class Scout(Protocol):
    """Onboarding by address."""

    async def onboard(
        self,
        tenant: str,
        targets: Sequence[str],
        login: Login,
        *,
        platform: str = "",
        ports: Ports = USUAL,
        announced: bool = False,
        by: str = "",
    ) -> tuple[Scouted, ...]:
        """Look at every address of ``targets`` and take in what answers there, unmanaged at first.

        ``announced``: of these only what ``candidates`` has without a reason against it.

        A target is an address, a range (``192.0.2.1-192.0.2.9``) or a prefix. ``platform`` is what
        the operator knows them to be, where they do not say it themselves. OrderRejected, before
        anything is asked, with a sentence on what cannot be.
        """
        ...

    async def candidates(self, asked: Query) -> Page[Candidate]:
        """A page of the neighbours that nobody has taken in, as devices of ours hear them; asks nobody.

        Of ``asked`` only the page counts: there is nothing to filter by.
        """
        ...
