"""Decides how the NETCONF sessions of one device share its links (spi.device.Connection).

A driver of several stores composes its own connection of one ``links.Links`` and ``session``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from device_models import model
from drivers import links, observation
from drivers.netconf import transport
from drivers.netconf.session import NetconfSession
from oss_agent.errors import DeviceUnreachable
from oss_agent.spi import device


@dataclass(frozen=True, slots=True)
class NetconfConnection:
    """The links to one device, for NETCONF channels and commands."""

    ways: links.Links
    platform: model.Platform
    now: observation.Now

    @property
    def alive(self) -> bool:
        """Whether we are still logged in, as far as is known."""
        return self.ways.alive

    def session(
        self,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """A channel of its own. DeviceUnreachable when the connection is gone."""
        return session(self.ways, self.platform, self.now)


@asynccontextmanager
async def opened(
    endpoint: device.Endpoint, platform: model.Platform, now: observation.Now
) -> AsyncIterator[NetconfConnection]:
    """Log in at the NETCONF port; everything is closed on exit."""
    async with links.opened(endpoint) as ways:
        await ways.login(transport.port(endpoint, platform))
        yield NetconfConnection(ways, platform, now)


@asynccontextmanager
async def session(
    ways: links.Links, platform: model.Platform, now: observation.Now
) -> AsyncIterator[device.Session]:
    """A NETCONF session over the links of a device that we are logged in to."""
    if not ways.alive:
        raise DeviceUnreachable(ways.endpoint.device, "the connection is gone: connect again")
    async with transport.session(ways, platform) as (greeted, exchange):
        observer = observation.Observer(ways, platform, now)
        yield NetconfSession(ways.endpoint.device, platform, greeted, exchange, observer.answer)
