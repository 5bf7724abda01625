"""Decides nothing of its own: a platform that NAPALM reaches, made of its data and this kit.

A platform's driver is one value; ``box`` makes the blocking side, and imports its library then::

    DRIVER = NapalmDriver("arista_eos", box.made)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from device_models import loader, model
from drivers import keeping, links, observation, offload, recognition, single, templates
from drivers.cli import block, configuring
from drivers.cli.grammar import Grammar
from drivers.napalm_adapter import failures
from drivers.napalm_adapter.box import Box
from drivers.napalm_adapter.session import NapalmSession
from oss_agent.errors import ConfigurationError, DeviceRefused
from oss_agent.spi import device, tree

Made: TypeAlias = Callable[[device.Endpoint, model.Platform], Box]
"""Makes the blocking side of one device, not yet open. DeviceRefused when it must not be."""
_FAREWELL = 10.0  # seconds for a device to say goodbye


def part_of(platform: model.Platform) -> model.Napalm:
    """What the platform's data say of NAPALM. ConfigurationError when nothing."""
    if platform.napalm is None:
        raise ConfigurationError(f"{platform.platform}: its platform.yaml has no `napalm` part")
    return platform.napalm


@dataclass(frozen=True, slots=True)
class NapalmDriver:
    """A driver (spi.device.Driver) for one platform of NAPALM's; ``crew`` are its threads."""

    platform: str
    box: Made
    data: Path = loader.SHIPPED
    now: observation.Now = observation.utc
    crew: offload.Crew = field(default_factory=offload.Crew, repr=False, compare=False)

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
        return (part_of(self.model).store,)

    def connect(self, endpoint: device.Endpoint) -> AbstractAsyncContextManager[device.Connection]:
        """A connection whose sessions log in for themselves."""
        return single.connect(self._session, endpoint)

    def session(
        self,
        endpoint: device.Endpoint,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """Connect, close on exit. DeviceRefused or DeviceUnreachable."""
        return self._session(endpoint)

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:  # noqa: ARG002 - one store
        """The lines that ``edit`` would load, indented by section; "" for no edits."""
        return block.text(block.commands(edits, Grammar(part_of(self.model).grammar)))

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """Trees from the platform's templates. OrderRejected naming the slot."""
        store = part_of(self.model)
        made = templates.instantiate(self.model, template, slots, store.store)
        return {name: configuring.sendable(wanted, store) for name, wanted in made.items()}

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards."""
        return recognition.recognise(
            self.model, part_of(self.model).store, configuration, templates, self.shareable
        )

    def shareable(self, path: tree.Path, store: str = "") -> bool:  # noqa: ARG002 - one store
        """As the platform's data say."""
        return Grammar(part_of(self.model).grammar).shared(path)

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:  # noqa: ARG002 - same
        """As the platform's data say."""
        return keeping.masked(text, part_of(self.model).kept, name)

    @asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        platform, napalm = self.model, part_of(self.model)
        box = self.box(endpoint, platform)
        lane = offload.Lane(self.crew, box.hang_up)
        async with (
            _opened(endpoint.device, box, lane, napalm),
            links.opened(endpoint) as ways,
        ):
            answer = observation.Observer(ways, platform, self.now).answer
            yield NapalmSession(endpoint.device, platform, napalm, lane, box, answer)


@asynccontextmanager
async def _opened(
    name: str, box: Box, lane: offload.Lane, napalm: model.Napalm
) -> AsyncIterator[None]:
    try:
        await lane.call(box.open, napalm.connect_within)
    except Exception as failure:
        raise failures.outside_a_change(name, failure) from failure
    try:
        yield
    finally:
        if not lane.abandoned:
            # A device that is gone needs no goodbye, and says so in any way it likes.
            with suppress(Exception):
                await lane.call(box.close, _FAREWELL)


def address(endpoint: device.Endpoint, platform: model.Platform, protocol: str) -> tuple[str, int]:
    """Where to connect. DeviceRefused when no port is known."""
    port = platform.port(protocol, endpoint.ports)
    if port is None:
        raise DeviceRefused(endpoint.device, f"no {protocol} port is known")
    return endpoint.address, port
