"""The seam between what is said to a command line and by which library: asyncssh here, others may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Talker(Protocol):
    """One conversation with one command line."""

    async def send(self, lines: Sequence[str], *, within: float | None = None) -> str:
        """Send lines; what was answered beside their echoes and the prompts.

        Raises ``shell.Silent`` (what the device did is not known) or ``shell.Stopped``.
        """
        ...


class Talk(Protocol):
    """Somebody to talk to; a new conversation begins when the last one broke."""

    @property
    def transcript(self) -> str:
        """What was heard so far, bounded."""
        ...

    async def shell(self) -> Talker:
        """One that can be used. Raises ``shell.Silent``, ``shell.Stopped`` or DeviceError."""
        ...

    async def close(self) -> None:
        """End the conversation there is."""
        ...
