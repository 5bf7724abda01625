"""Decides when a confirm timeout rings: on the loop's clock, late where the device starves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class LoopTimer:
    """One alarm on the running loop; ``starvation`` is the quiet (seconds) it needs to ring."""

    def __init__(self, starvation: Callable[[], float]) -> None:
        self._starvation = starvation
        self._handle: asyncio.TimerHandle | None = None
        self._touched = float("-inf")

    def now(self) -> float:
        """The loop's clock."""
        return asyncio.get_running_loop().time()

    def touch(self) -> None:
        """An RPC came."""
        self._touched = self.now()

    def start(self, seconds: float, ring: Callable[[], None]) -> None:
        """Ring once after so many seconds; a second start moves the alarm."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(seconds, self._due, loop, ring)

    def stop(self) -> None:
        """Do not ring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _due(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        wait = self._touched + self._starvation() - loop.time()
        if self._starvation() and wait > 0:
            self._handle = loop.call_later(wait, self._due, loop, ring)
        else:
            self._handle = None
            ring()
