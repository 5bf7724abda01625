"""Decides nothing of its own: a command-line store, made of its platform's data and this kit.

A platform that is configured by command lines alone is one value::

    DRIVER = LinesDriver("sim_cli")

A platform with another store beside it has this as one of its parts (drivers.stores).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from device_models import loader, model
from drivers import keeping, links, observation, recognition, steps, templates
from drivers.cli import block
from drivers.cli.conversation import conversation
from drivers.cli.grammar import Grammar
from drivers.cli.lines import LinesSession
from oss_agent.errors import ConfigurationError, DeviceRefused, DeviceUnreachable, OrderRejected
from oss_agent.spi import device, tree


def store_of(platform: model.Platform) -> model.CommandLine:
    """The platform's command-line store. ConfigurationError when it has none."""
    if platform.command_line is None:
        raise ConfigurationError(f"{platform.platform}: platform.yaml has no `command_line`")
    return platform.command_line


def port(endpoint: device.Endpoint, platform: model.Platform) -> int:
    """Where the command line is. DeviceRefused when nobody knows."""
    protocol = store_of(platform).shell.protocol
    found = platform.port(protocol, endpoint.ports)
    if found is None:
        raise DeviceRefused(endpoint.device, f"no {protocol} port is known for its command line")
    return found


def render(edits: Sequence[tree.Edit], store: model.CommandLine | model.Napalm) -> str:
    """The lines that would be sent, indented by section. Pure."""
    return block.text(block.commands(edits, Grammar(store.grammar)))


def shareable(path: tree.Path, store: model.CommandLine | model.Napalm) -> bool:
    """May several services own the line at ``path``? As the platform's data say."""
    return Grammar(store.grammar).shared(path)


def sendable(wanted: tree.Tree, store: model.CommandLine | model.Napalm) -> tree.Tree:
    """The same tree. OrderRejected naming the first line that must not be sent."""
    grammar = Grammar(store.grammar)
    for line in _lines(wanted):
        if not grammar.sendable(line):
            raise OrderRejected(
                f"the command line {line[:120]!r} cannot be sent to this platform: it takes plain "
                "ASCII words without ? and with one blank between them",
                field="slots",
            )
    return wanted


def _lines(node: tree.Tree) -> Sequence[str]:
    return [line for child in node.children for line in (steps.text(child.step), *_lines(child))]


@dataclass(frozen=True, slots=True)
class _Connection:
    """The links to one device (spi.device.Connection)."""

    driver: LinesDriver
    ways: links.Links

    @property
    def alive(self) -> bool:
        return self.ways.alive

    def session(
        self,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        if not self.ways.alive:
            reason = "the connection is gone: connect again"
            raise DeviceUnreachable(self.ways.endpoint.device, reason)
        return self.driver.over(self.ways)


@dataclass(frozen=True, slots=True)
class LinesDriver:
    """A driver (spi.device.Driver) for one command-line platform; ``now`` stamps observations."""

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

    def declared(self, store: str = "") -> frozenset[device.Capability]:  # noqa: ARG002 - one store
        """What the command line can do."""
        return store_of(self.model).capabilities

    @property
    def stores(self) -> tuple[str, ...]:
        """One."""
        return (store_of(self.model).store,)

    @asynccontextmanager
    async def connect(self, endpoint: device.Endpoint) -> AsyncIterator[device.Connection]:
        """Log in. DeviceRefused or DeviceUnreachable."""
        async with links.opened(endpoint) as ways:
            await ways.login(self.port(endpoint))
            yield _Connection(self, ways)

    @asynccontextmanager
    async def session(
        self,
        endpoint: device.Endpoint,
        store: str = "",
    ) -> AsyncIterator[device.Session]:
        """Log in, close on exit. DeviceRefused or DeviceUnreachable."""
        async with self.connect(endpoint) as made, made.session(store) as opened:
            yield opened

    def port(self, endpoint: device.Endpoint) -> int:
        """Where the command line is. DeviceRefused when nobody knows."""
        return port(endpoint, self.model)

    @asynccontextmanager
    async def over(self, ways: links.Links) -> AsyncIterator[device.Session]:
        """A session over the links of a device; logs in at its port if nobody has yet."""
        here, store = self.port(ways.endpoint), store_of(self.model)
        await ways.login(here)
        observer = observation.Observer(ways, self.model, self.now)
        async with conversation(ways, here, store.shell) as talk:
            yield LinesSession(ways.endpoint.device, store, talk, observer.answer)

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:  # noqa: ARG002 - one
        """The lines that ``commit`` would send; "" for no edits."""
        return render(edits, store_of(self.model))

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """Trees from the platform's templates. OrderRejected naming the slot or the line."""
        made = templates.instantiate(self.model, template, slots, "")
        store = store_of(self.model)
        return {name: sendable(tree, store) for name, tree in made.items() if name == store.store}

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards."""
        return recognition.recognise(
            self.model, self.stores[0], configuration, templates, self.shareable
        )

    def shareable(self, path: tree.Path, store: str = "") -> bool:  # noqa: ARG002 - there is one
        """As the platform's data say."""
        return shareable(path, store_of(self.model))

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:  # noqa: ARG002 - one
        """As the platform's data say."""
        return keeping.masked(text, store_of(self.model).kept, name)
