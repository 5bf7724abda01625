"""Decides how a device with several configuration stores is one device: one connection, many stores.

Each store has a kit of its own; its sessions ride on the links of one connection. A store that
nobody asks for is not spoken to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from device_models import model
from drivers import links, recognition
from oss_agent.errors import ConfigurationError, DeviceUnreachable
from oss_agent.spi import device, tree


class Part(device.Driver, Protocol):
    """The driver of one store that can also speak over links that others opened."""

    @property
    def model(self) -> model.Platform:
        """What the platform declares, of all its stores."""
        ...

    def port(self, endpoint: device.Endpoint) -> int:
        """Where it speaks. DeviceRefused when nobody knows."""
        ...

    def over(self, ways: links.Links) -> AbstractAsyncContextManager[device.Session]:
        """A session over the links of a device; logs in at its port if nobody has yet."""
        ...


@dataclass(frozen=True, slots=True)
class StoresDriver:
    """A driver (spi.device.Driver) of several single-store drivers of one platform, main one first."""

    parts: tuple[Part, ...]

    @property
    def platform(self) -> str:
        """The word of the main part; all have the same."""
        return self.parts[0].platform

    @property
    def capabilities(self) -> frozenset[device.Capability]:
        """Of the platform and its main store."""
        return self.parts[0].capabilities

    def declared(self, store: str = "") -> frozenset[device.Capability]:
        """What one store can do."""
        return self.part(store).declared()

    @property
    def stores(self) -> tuple[str, ...]:
        """All, the main one first."""
        return tuple(store for part in self.parts for store in part.stores)

    @asynccontextmanager
    async def connect(self, endpoint: device.Endpoint) -> AsyncIterator[device.Connection]:
        """Log in where the main store is. DeviceRefused or DeviceUnreachable."""
        async with links.opened(endpoint) as ways:
            await ways.login(self.parts[0].port(endpoint))
            yield _Connection(self, ways)

    @asynccontextmanager
    async def session(
        self, endpoint: device.Endpoint, store: str = ""
    ) -> AsyncIterator[device.Session]:
        """Log in where the store is, and nowhere else. DeviceRefused or DeviceUnreachable."""
        async with links.opened(endpoint) as ways, self.part(store).over(ways) as opened:
            yield opened

    def render(self, edits: Sequence[tree.Edit], store: str = "") -> str:
        """As the store's kit has it."""
        return self.part(store).render(edits)

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, tree.Tree]:
        """The trees of all stores that the filled template mentions. OrderRejected naming the slot."""
        made = (part.instantiate(template, slots) for part in self.parts)
        return {store: wanted for each in made for store, wanted in each.items()}

    def recognise(
        self, configuration: Mapping[str, tree.Tree], templates: Collection[str]
    ) -> tuple[device.Recognised, ...]:
        """The platform's templates backwards: each over all stores, as one thing."""
        main = self.parts[0]
        return recognition.recognise(
            main.model, main.stores[0], configuration, templates, self.shareable
        )

    def shareable(self, path: tree.Path, store: str = "") -> bool:
        """As the platform's data say of the store."""
        return self.part(store).shareable(path)

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:
        """As the platform's data say of the store."""
        return self.part(store).masked(text, name)

    def part(self, store: str) -> Part:
        """The part of a store ("" is the main one). ConfigurationError naming the known ones."""
        for part in self.parts:
            if store in {"", *part.stores}:
                return part
        known = ", ".join(self.stores)
        raise ConfigurationError(f"{self.platform} has no store {store!r}; there are: {known}")


@dataclass(frozen=True, slots=True)
class _Connection:
    """The links to one device (spi.device.Connection)."""

    driver: StoresDriver
    ways: links.Links

    @property
    def alive(self) -> bool:
        return self.ways.alive

    def session(self, store: str = "") -> AbstractAsyncContextManager[device.Session]:
        if not self.ways.alive:
            reason = "the connection is gone: connect again"
            raise DeviceUnreachable(self.ways.endpoint.device, reason)
        return self.driver.part(store).over(self.ways)
