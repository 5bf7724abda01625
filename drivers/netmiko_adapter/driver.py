"""Decides nothing of its own: a command line that netmiko talks to, made of its data and two kits.

A platform's driver is one value::

    DRIVER = NetmikoDriver("my_platform")

What the lines mean is the command-line kit's (drivers.cli); netmiko only carries them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from device_models import loader, model
from drivers import links, observation, offload, single
from drivers.cli import configuring
from drivers.cli.lines import LinesSession
from drivers.cli.shell import Silent
from drivers.netmiko_adapter.talk import NetmikoTalk
from drivers.netmiko_adapter.terminal import Terminal
from oss_agent.errors import ConfigurationError, DeviceUnreachable
from oss_agent.spi import device, tree


def part_of(platform: model.Platform) -> model.Netmiko:
    """What the platform's data say of netmiko. ConfigurationError when nothing, or no error."""
    if platform.netmiko is None:
        raise ConfigurationError(f"{platform.platform}: its platform.yaml has no `netmiko` part")
    if not configuring.store_of(platform).shell.errors:
        raise ConfigurationError(
            f"{platform.platform}: command_line.shell.errors is empty, and netmiko must know what a "
            "refusal looks like"
        )
    return platform.netmiko


@dataclass(frozen=True, slots=True)
class NetmikoDriver:
    """A driver (spi.device.Driver) for one platform of netmiko's; ``crew`` are its threads."""

    platform: str
    data: Path = loader.SHIPPED
    now: observation.Now = observation.utc
    crew: offload.Crew = field(default_factory=offload.Crew, repr=False, compare=False)

    @property
    def model(self) -> model.Platform:
        """What the platform declares. ConfigurationError when its files are wrong."""
        return self._lines.model

    @property
    def capabilities(self) -> frozenset[device.Capability]:
        """As declared."""
        return self._lines.capabilities

    def declared(self, store: str = "") -> frozenset[device.Capability]:
        """What the command line can do."""
        return self._lines.declared(store)

    @property
    def stores(self) -> tuple[str, ...]:
        """One."""
        return self._lines.stores

    def connect(self, endpoint: device.Endpoint) -> AbstractAsyncContextManager[device.Connection]:
        """A connection whose sessions log in for themselves."""
        return single.connect(self._session, endpoint)

    def session(
        self,
        endpoint: device.Endpoint,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """Log in, disconnect on exit. DeviceRefused or DeviceUnreachable."""
        return self._session(endpoint)

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:
        """The lines that ``commit`` would send; "" for no edits."""
        return self._lines.render(edits, store)

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """Trees from the platform's templates. OrderRejected naming the slot or the line."""
        return self._lines.instantiate(template, slots)

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards."""
        return self._lines.recognise(configuration, templates)

    def shareable(self, path: tree.Path, store: str = "") -> bool:
        """As the platform's data say."""
        return self._lines.shareable(path, store)

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:
        """As the platform's data say."""
        return self._lines.masked(text, name, store)

    @property
    def _lines(self) -> configuring.LinesDriver:
        """The same platform as the command-line kit sees it: all but who carries the lines."""
        return configuring.LinesDriver(self.platform, self.data, self.now)

    @asynccontextmanager
    async def _session(self, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        platform, store = self.model, _line_by_line(configuring.store_of(self.model))
        kind, port = part_of(platform).device_type, self._lines.port(endpoint)

        def dial() -> Terminal:
            return Terminal(endpoint, port, kind, store.shell)

        talk = NetmikoTalk(self.crew, dial, store.shell.line_within)
        try:
            await _reached(endpoint.device, talk)
            async with links.opened(endpoint) as ways:
                answer = observation.Observer(ways, platform, self.now).answer
                yield LinesSession(endpoint.device, store, talk, answer)
        finally:
            await talk.close()


def _line_by_line(store: model.CommandLine) -> model.CommandLine:
    """Netmiko waits for each answer before the next line."""
    return dataclasses.replace(store, shell=dataclasses.replace(store.shell, window=1))


async def _reached(name: str, talk: NetmikoTalk) -> None:
    try:
        await talk.shell()
    except Silent as silence:
        raise DeviceUnreachable(name, str(silence)) from silence
