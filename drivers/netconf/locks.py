"""Decides which locks a session holds and how it gives them back (RFC 6241 7.5 and 7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.netconf import operations
from drivers.netconf.calls import Calls


@dataclass(slots=True)
class Locks:
    """The locks of one session; ``wanted`` are those that a transaction takes, in this order."""

    calls: Calls
    wanted: Sequence[str]
    held: list[str] = field(default_factory=list[str])

    async def take(self, datastore: str) -> None:
        """DeviceBusy names the holder where the device does."""
        await self.calls.do(operations.lock(datastore))
        self.held.append(datastore)

    async def release(self) -> None:
        """Give all back, last first; a closed session holds none."""
        while self.held:
            datastore = self.held.pop()
            if self.calls.exchange.ended is None:
                await self.calls.do(operations.unlock(datastore))
