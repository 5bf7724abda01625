"""Decides when a new conversation is begun: at the first need, and when the last one broke."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from device_models import model
from drivers import links
from drivers.cli import shell
from drivers.cli.shell import Shell


@asynccontextmanager
async def conversation(
    ways: links.Links, port: int, facts: model.Shell
) -> AsyncIterator[Conversation]:
    """Somebody to talk to for as long as the block lasts; nothing is opened before it is needed."""
    talk = Conversation(ways, port, facts)
    try:
        yield talk
    finally:
        await talk.close()


@dataclass(slots=True)
class Conversation:
    """One shell at a time over the links of one device."""

    ways: links.Links
    port: int
    facts: model.Shell
    current: Shell | None = None
    open_shells: AsyncExitStack = field(default_factory=AsyncExitStack)
    before: str = ""

    async def shell(self) -> Shell:
        """One that can be used, a new one if need be. Raises Silent or Stopped."""
        if self.current is None or not self.current.usable:
            await self.close()
            opening = shell.opened(self.ways, self.port, self.facts)
            self.current = await self.open_shells.enter_async_context(opening)
        return self.current

    async def close(self) -> None:
        """End the one there is; first, since some devices give one channel at a time."""
        self.before = self.transcript
        self.current = None
        await self.open_shells.aclose()

    @property
    def transcript(self) -> str:
        """What was heard so far, bounded."""
        heard = self.current.transcript if self.current is not None else ""
        return (self.before + heard)[-shell.TRANSCRIPT :]
