"""Devices, resolved for talking to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from oss_agent.spi.device import Endpoint


class Devices(Protocol):
    """Devices, resolved for talking to them."""

    async def endpoint(self, device: str) -> Endpoint:
        """Address, ports, pinned keys and the credential resolved from its reference.

        DeviceRefused when the device is unknown, unmanaged, untrusted or its secret is missing.
        """
        ...

    async def by_address(self, address: str) -> str | None:
        """The device a management or interface address belongs to (trap sources), else None."""
        ...

    async def pollable(self) -> tuple[Endpoint, ...]:
        """Trusted, managed devices flagged for SNMP."""
        ...
