"""Decides how the NETCONF sessions of one device share its links (spi.device.Connection).

A driver of several stores composes its own connection of one ``links.Links`` and ``session``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from device_models import model
from drivers import links, observation, offload
from drivers.netconf import compatibility, transport
from drivers.netconf.session import NetconfSession
from oss_agent.errors import DeviceUnreachable
from oss_agent.spi import device


@dataclass(frozen=True, slots=True)
class NetconfConnection:
    """The links to one device, for NETCONF channels and commands."""

    ways: links.Links
    platform: model.Platform
    now: observation.Now
    crew: offload.Crew

    @property
    def alive(self) -> bool:
        """Whether we are still logged in, as far as is known."""
        return self.ways.alive or _is_foreign(self.platform)

    def session(
        self,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """A channel of its own. DeviceUnreachable when the connection is gone."""
        return session(self.ways, self.platform, self.now, self.crew)


@asynccontextmanager
async def opened(
    endpoint: device.Endpoint, platform: model.Platform, now: observation.Now, crew: offload.Crew
) -> AsyncIterator[NetconfConnection]:
    """Log in at the NETCONF port; everything is closed on exit."""
    async with links.opened(endpoint) as ways:
        await log_in(ways, platform)
        yield NetconfConnection(ways, platform, now, crew)


async def log_in(ways: links.Links, platform: model.Platform) -> None:
    """Be logged in where NETCONF is spoken; another library's sessions log in for themselves."""
    port = transport.port(ways.endpoint, platform)
    if not _is_foreign(platform):
        await ways.login(port)


@asynccontextmanager
async def session(
    ways: links.Links, platform: model.Platform, now: observation.Now, crew: offload.Crew
) -> AsyncIterator[device.Session]:
    """A NETCONF session over the links of a device that we are logged in to.

    ``crew`` are the threads of a platform whose data name another library.
    """
    foreign = _is_foreign(platform)
    if not (ways.alive or foreign):
        raise DeviceUnreachable(ways.endpoint.device, "the connection is gone: connect again")
    opening = (
        compatibility.session(ways.endpoint, platform, crew)
        if foreign
        else transport.session(ways, platform)
    )
    async with opening as (greeted, exchange):
        observer = observation.Observer(ways, platform, now)
        yield NetconfSession(
            ways.endpoint.device, platform, greeted, exchange, observer.answer, now
        )


def _is_foreign(platform: model.Platform) -> bool:
    return platform.netconf.transport == "ncclient"
