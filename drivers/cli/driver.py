"""Decides what a device is that is only asked, never configured: a test point behind SSH."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from device_models import loader, model
from drivers import links, observation, recognition, single, templates
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

    def declared(self, store: str = "") -> frozenset[device.Capability]:  # noqa: ARG002 - no store
        """The same: there is no store."""
        return self.model.capabilities

    @property
    def stores(self) -> tuple[str, ...]:
        """None."""
        return ()

    def connect(self, endpoint: device.Endpoint) -> AbstractAsyncContextManager[device.Connection]:
        """Log in. DeviceRefused or DeviceUnreachable."""
        return single.connect(self._session, endpoint)

    def session(
        self,
        endpoint: device.Endpoint,
        store: str = "",  # noqa: ARG002 - there is none
    ) -> AbstractAsyncContextManager[device.Session]:
        """Connect, close on exit. DeviceRefused or DeviceUnreachable."""
        return self._session(endpoint)

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:  # noqa: ARG002 - same
        """Nothing can be edited, so nothing is rendered."""
        return "".join(f"{edit.operation} {tree.path_text(edit.path)}\n" for edit in edits)

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """Refused (ConfigurationError): there are no templates."""
        return templates.instantiate(self.model, template, slots, "")

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards."""
        return recognition.recognise(self.model, "", configuration, templates, self.shareable)

    def shareable(self, path: tree.Path, store: str = "") -> bool:  # noqa: ARG002 - no store
        """Nothing is owned here."""
        return False

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:  # noqa: ARG002 - same
        """There is no configuration to show."""
        return text

    @asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        async with links.opened(endpoint) as ways:
            observer = observation.Observer(ways, self.model, self.now)
            # A session that is open has passed the host key and the login.
            await ways.login(observer.port())
            yield ProbeSession(endpoint.device, self.model, observer.answer)
