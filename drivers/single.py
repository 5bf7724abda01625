"""Decides what a connection is where every session logs in for itself: it holds nothing open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from oss_agent.spi import device

Open: TypeAlias = Callable[[device.Endpoint], AbstractAsyncContextManager[device.Session]]


@dataclass(frozen=True, slots=True)
class SingleConnection:
    """A connection (spi.device.Connection) that opens one login per session."""

    open: Open
    endpoint: device.Endpoint

    @property
    def alive(self) -> bool:
        """There is nothing that could break."""
        return True

    def session(
        self,
        store: str = "",  # noqa: ARG002 - there is one
    ) -> AbstractAsyncContextManager[device.Session]:
        """A session with a login of its own."""
        return self.open(self.endpoint)


@asynccontextmanager
async def connect(open_session: Open, endpoint: device.Endpoint) -> AsyncIterator[SingleConnection]:
    """A connection over ``open_session``; nothing is sent before the first session."""
    yield SingleConnection(open_session, endpoint)
