"""Decides what a device is that is only asked, never configured: a test point behind SSH."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from device_models import loader, model
from drivers import observation, templates
from drivers.cli.session import ProbeSession
from oss_agent.spi import device, tree


@dataclass(frozen=True, slots=True)
class ProbeDriver:
    """A driver (spi.device.Driver) for a platform without a configuration store of ours."""

    platform: str
    data: Path = loader.SHIPPED
    now: observation.Now = observation.utc

    @property
    def model(self) -> model.Platform:
        """What the platform declares. ConfigurationError when its files are wrong."""
        return loader.load(self.platform, self.data)

    @property
    def capabilities(self) -> frozenset[device.Capability]:
        """As declared."""
        return self.model.capabilities

    def session(self, endpoint: device.Endpoint) -> AbstractAsyncContextManager[device.Session]:
        """Connect, close on exit. DeviceRefused or DeviceUnreachable."""
        return self._session(endpoint)

    def render(self, edits: Sequence[tree.Edit]) -> str:
        """Nothing can be edited, so nothing is rendered."""
        return "".join(f"{edit.operation} {tree.path_text(edit.path)}\n" for edit in edits)

    def instantiate(self, template: str, slots: Mapping[str, str]) -> tree.Tree:
        """A tree from the platform's templates, of which there are none."""
        return templates.instantiate(self.model, template, slots)

    @asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        async with observation.observer(endpoint, self.model, self.now) as observer:
            # A session that is open has passed the host key and the login.
            await observer.connected()
            yield ProbeSession(endpoint.device, self.model, observer.answer)
