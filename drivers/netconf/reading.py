"""Decides how a datastore is read: as a tree by the platform's schema, or as canonical text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from device_models import model
from drivers.netconf import canonical, configuration, operations, trees
from drivers.netconf.calls import Calls
from drivers.netconf.document import Element
from oss_agent.errors import DeviceRefused
from oss_agent.spi.tree import Path, Tree

T = TypeVar("T")

_WALK_IN_THREAD = 5_000  # nodes; above this, a walk would hold the loop for a tenth of a second


@dataclass(frozen=True, slots=True)
class Reading:
    """What one session can read of its device."""

    calls: Calls
    platform: model.Platform

    async def running(self, paths: Sequence[Path]) -> Tree:
        """What running has at ``paths``, in one request. DeviceRefused when it does not fit."""
        return await self.at(operations.RUNNING, paths)

    async def at(self, datastore: str, paths: Sequence[Path]) -> Tree:
        """The same of any datastore."""
        schema = self.platform.configuration
        selection = configuration.subtree_filter(paths, schema)
        data = await self.calls.data(operations.get_config(datastore, selection))
        try:
            return await self._made_of(data, trees.read)
        except trees.Mismatch as wrong:
            reason = f"its configuration does not fit {self.platform.platform}: {wrong}"
            raise DeviceRefused(self.calls.device, reason) from wrong

    async def text(self, datastore: str) -> str:
        """The whole of a datastore, canonical."""
        data = await self.calls.data(operations.get_config(datastore))
        return await self._made_of(data, canonical.text)

    async def _made_of(self, data: Element, make: Callable[[Element, model.Schema], T]) -> T:
        schema = self.platform.configuration
        if sum(1 for _ in data.iter()) > _WALK_IN_THREAD:
            return await asyncio.to_thread(make, data, schema)
        return make(data, schema)
