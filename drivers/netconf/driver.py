"""Decides nothing of its own: a platform that speaks NETCONF, made of its data and this kit.

A platform's driver is one value::

    DRIVER = NetconfDriver("frr_linux")

The data lie in ``device_models/<platform>/``, or in the folder given as ``data``; they are read at
first use, never at import.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from device_models import loader, model
from drivers import keeping, links, observation, offload, recognition, templates
from drivers.netconf import compatibility, configuration, connection, transport
from oss_agent.spi import device, tree

STORE = "netconf"
"""The one configuration store of a NETCONF platform: candidate and running."""


@dataclass(frozen=True, slots=True)
class NetconfDriver:
    """A driver (spi.device.Driver) for one NETCONF platform.

    ``now`` stamps observations; ``crew`` are threads for platforms that need ncclient.
    """

    platform: str
    data: Path = loader.SHIPPED
    now: observation.Now = observation.utc
    crew: offload.Crew = field(default_factory=compatibility.threads, repr=False, compare=False)

    @property
    def model(self) -> model.Platform:
        """What the platform declares. ConfigurationError when its files are wrong."""
        return loader.load(self.platform, self.data)

    @property
    def capabilities(self) -> frozenset[device.Capability]:
        """As declared."""
        return self.model.capabilities

    def declared(self, store: str = "") -> frozenset[device.Capability]:  # noqa: ARG002 - one store
        """The same: there is one store."""
        return self.model.capabilities

    @property
    def stores(self) -> tuple[str, ...]:
        """One."""
        return (STORE,)

    def connect(self, endpoint: device.Endpoint) -> AbstractAsyncContextManager[device.Connection]:
        """Log in. DeviceRefused or DeviceUnreachable."""
        return connection.opened(endpoint, self.model, self.now, self.crew)

    def session(
        self,
        endpoint: device.Endpoint,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """Connect, greet, and say goodbye on exit. DeviceRefused or DeviceUnreachable."""
        return self._session(endpoint)

    def port(self, endpoint: device.Endpoint) -> int:
        """Where NETCONF is. DeviceRefused when nobody knows."""
        return transport.port(endpoint, self.model)

    @asynccontextmanager
    async def over(self, ways: links.Links) -> AsyncIterator[device.Session]:
        """A session over the links of a device; logs in at its port if nobody has yet."""
        await connection.log_in(ways, self.model)
        async with connection.session(ways, self.model, self.now, self.crew) as session:
            yield session

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:  # noqa: ARG002 - same
        """The ``<config>`` that ``edit`` would send, indented; "" for no edits."""
        return configuration.text(edits, self.model.configuration)

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """Trees from the platform's templates. OrderRejected naming the slot."""
        made = templates.instantiate(self.model, template, slots, STORE)
        return {STORE: made[STORE]} if STORE in made else {}

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards."""
        return recognition.recognise(self.model, STORE, configuration, templates, self.shareable)

    def shareable(self, path: tree.Path, store: str = "") -> bool:  # noqa: ARG002 - there is one
        """As the platform's data say."""
        names = [step.name for step in path]
        above = {"/".join(names[:length]) for length in range(1, len(names) + 1)}
        return bool(above & self.model.configuration.shared)

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:  # noqa: ARG002 - same
        """As the platform's data say."""
        return keeping.masked(text, self.model.netconf.kept, name)

    @asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        async with self.connect(endpoint) as made, made.session() as session:
            yield session
