"""What a device says of itself, and what follows: values between who asks and who knows devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device said, as received; empty where it was not asked or did not answer.

    ``object_id`` is sysObjectID.0, ``description`` sysDescr.0 or what LLDP or CDP repeat of it,
    ``banner`` the SSH identification string (RFC 4253 4.2), ``hello`` capabilities and models of its
    NETCONF hello (RFC 6241 8.1).
    """

    object_id: tuple[int, ...] = ()
    description: bytes | str = ""
    banner: bytes | str = ""
    hello: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Detected:
    """What it is; "" is unknown. ``because`` and ``doubts`` are sentences.

    ``platform`` is "" where there is no driver for it. ``proven``: that driver's laws have passed
    on this version, so it may write there; otherwise the device is only read.
    """

    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    platform: str = ""
    proven: bool = False
    because: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


class Detector(Protocol):
    """Concludes what a device is; pure, never an exception."""

    def __call__(self, evidence: Evidence, /) -> Detected:
        """What it is, as far as that can be said."""
        ...


class Banner(Protocol):
    """Reads an SSH identification string: no login, no key exchange."""

    async def __call__(self, address: str, port: int) -> bytes:
        """As received, bounded; empty when nobody sends one."""
        ...
