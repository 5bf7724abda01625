"""What a device says of itself, and what follows: values between who asks and who knows devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oss_agent.spi.device import Endpoint


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device said, as received; empty where it was not asked or did not answer.

    ``object_id`` is sysObjectID.0, ``description`` sysDescr.0, ``banner`` the SSH identification string
    (RFC 4253 4.2), ``hello`` capabilities and models of its NETCONF hello (RFC 6241 8.1),
    ``announced`` how LLDP or CDP describe it, as its neighbours repeat that.
    """

    object_id: tuple[int, ...] = ()
    description: bytes | str = ""
    banner: bytes | str = ""
    hello: Sequence[str] = ()
    announced: Sequence[bytes | str] = ()


@dataclass(frozen=True, slots=True)
class Detected:
    """What it is; "" is unknown. ``because`` and ``doubts`` are sentences.

    ``platform`` is "" where there is no driver for it.
    """

    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    platform: str = ""
    because: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


class Detector(Protocol):
    """Concludes what a device is; pure, never an exception."""

    def __call__(self, evidence: Evidence, /) -> Detected:
        """What it is, as far as that can be said."""
        ...


class Against(Protocol):
    """Says why a device is not of the platform that it is run as; pure, never an exception."""

    def __call__(self, platform: str, evidence: Evidence, /) -> str:
        """A sentence; "" where nothing speaks against it."""
        ...


class Banner(Protocol):
    """Reads an SSH identification string: no login, no key exchange."""

    async def __call__(self, address: str, port: int) -> bytes:
        """As received, bounded; empty when nobody sends one."""
        ...


class Greeting(Protocol):
    """Reads a NETCONF hello (RFC 6241 8.1) of a device that nobody knows: it logs in and asks nothing."""

    async def __call__(self, endpoint: Endpoint, /) -> Sequence[str]:
        """The announced URIs with their parameters, bounded.

        DeviceRefused (``login``: as a login) before anything secret is sent where no key is pinned;
        DeviceUnreachable where no NETCONF is spoken.
        """
        ...
