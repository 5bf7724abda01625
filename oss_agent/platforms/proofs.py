"""Decides what the installed drivers were proven on, by their quality files (``spi.standing.Proofs``)."""

from __future__ import annotations

from importlib import metadata

from oss_agent import registry
from oss_agent.errors import ConfigurationError
from oss_agent.platforms import quality, trial
from oss_agent.spi.standing import Proven


class InstalledProofs:
    """Read once, when it is made. A file that cannot be read proves nothing; the scorecard tells why."""

    def __init__(self) -> None:
        entries = metadata.entry_points(group=registry.GROUP)
        self._drivers = {one.name: one.dist.version if one.dist else "" for one in entries}
        self._packages = {one.name: one.module.rpartition(".")[0] for one in entries}
        self._proven = {name: _proven(package) for name, package in self._packages.items()}

    def proven(self, platform: str) -> tuple[Proven, ...]:
        """What this platform's driver was proven on; () where nothing says so."""
        return self._proven.get(platform, ())

    def trials(self, platform: str) -> tuple[trial.Trial, ...]:
        """What its laws may try on a real device; () where nothing says so."""
        package = self._packages.get(platform)
        return trial.read(package) if package is not None else ()

    def driver(self, platform: str) -> str:
        """The version of the package that brings the driver; "" for an unknown platform."""
        return self._drivers.get(platform, "")


def _proven(package: str) -> tuple[Proven, ...]:
    try:
        return quality.proven(package)
    except (ConfigurationError, ImportError):
        return ()
