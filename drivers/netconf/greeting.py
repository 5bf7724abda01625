"""Reads what an unknown device announces in its NETCONF hello: one login, both hellos, goodbye, no request."""

from __future__ import annotations

from typing import Final

from device_models import model
from drivers import links, text
from drivers.netconf import transport
from oss_agent.spi import device

_MOST: Final = 2_000
_URI: Final = 512
_ANY: Final = model.Platform("unknown", "any NETCONF server", frozenset(), {"netconf": 830})
"""Nothing is known of it; its port is RFC 6242's where the endpoint gives none."""


async def read(endpoint: device.Endpoint) -> tuple[str, ...]:
    """``spi.detection.Greeting``: the announced URIs, each one bounded printable line."""
    async with links.opened(endpoint) as ways, transport.session(ways, _ANY) as (greeted, _):
        return tuple(text.line(uri[:_URI], _URI) for uri in greeted.announced[:_MOST])
