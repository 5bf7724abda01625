"""What every room stands on: settings, clock, store, drivers and the two ways out to the network."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

import bss_bridge.engine.hrefs
from drivers.snmp import engine
from oss_agent import clock, registry, settings, store


@dataclass(frozen=True, slots=True)
class Ground:
    """Opened by ``daemon`` before any room is built, closed after the last has ended."""

    tree: settings.Settings
    time: clock.SystemClock
    rows: store.SqlStore
    drivers: registry.Registry
    http: httpx.AsyncClient
    snmp: engine.Engine

    @property
    def hrefs(self) -> bss_bridge.engine.hrefs.Hrefs:
        """How links begin."""
        return bss_bridge.engine.hrefs.Hrefs(self.tree.http.public_url)
