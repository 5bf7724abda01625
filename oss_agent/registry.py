"""Decides which drivers there are: those that installed packages announce, each for one platform.

A driver is announced in the entry-point group ``oss_agent.drivers`` under its platform's word and
is a value that satisfies spi.device.Driver; nothing is opened by loading it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from types import MappingProxyType

from oss_agent.errors import ConfigurationError
from oss_agent.spi import device

GROUP = "oss_agent.drivers"


class Registry:
    """The drivers (spi.device.Drivers), by platform. Built once, passed to who needs it."""

    def __init__(self, drivers: Iterable[tuple[str, device.Driver]]) -> None:
        found: dict[str, device.Driver] = {}
        for name, driver in drivers:
            if name in found:
                raise ConfigurationError(
                    f"two drivers claim the platform {name}: uninstall one of their packages"
                )
            if driver.platform != name:
                raise ConfigurationError(
                    f"the driver announced as {name} says it is for {driver.platform}: "
                    "its entry point must be named for its platform"
                )
            found[name] = driver
        self._drivers: Mapping[str, device.Driver] = MappingProxyType(found)

    @property
    def platforms(self) -> tuple[str, ...]:
        """The known platforms, sorted."""
        return tuple(sorted(self._drivers))

    def driver(self, platform: str) -> device.Driver:
        """The driver of a platform; ConfigurationError naming the known ones when unknown."""
        try:
            return self._drivers[platform]
        except KeyError:
            known = ", ".join(self.platforms) or "none"
            raise ConfigurationError(
                f"no driver for platform {platform!r}; there are drivers for: {known}"
            ) from None


def installed() -> Registry:
    """The drivers that installed packages announce.

    ConfigurationError when one cannot be loaded or two claim the same platform.
    """
    return Registry((entry.name, _load(entry)) for entry in metadata.entry_points(group=GROUP))


def _load(entry: metadata.EntryPoint) -> device.Driver:
    try:
        driver: device.Driver = entry.load()
        # Reading the declared capabilities reads the platform's data: wrong files show at start.
        declared = driver.capabilities
    except (ImportError, AttributeError) as wrong:
        raise ConfigurationError(
            f"the driver {entry.name} ({entry.value}) cannot be loaded: {wrong}"
        ) from wrong
    if not declared:
        raise ConfigurationError(f"the driver {entry.name} declares no capability")
    return driver
