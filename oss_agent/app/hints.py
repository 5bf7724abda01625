"""Who is to look at a device anew, when a trap, a poll or a person gives reason to."""

from __future__ import annotations

from collections.abc import Callable

from oss_agent.spi.onboarding import About


class Hints:
    """Passes them on to those whom ``app`` names: who gives a hint is built before who takes it."""

    def __init__(self) -> None:
        self._look: Callable[[str, About], None] | None = None
        self._read: tuple[Callable[[str], object], ...] = ()

    def go_to(self, look: Callable[[str, About], None], *read: Callable[[str], object]) -> None:
        """From now on: ``look`` asks the device what it is, each of ``read`` what it has configured."""
        self._look, self._read = look, read

    def changed(self, device: str, about: About = About.WHOLE) -> None:
        """A trap says that it did, or a person decided about what was seen on it."""
        if self._look is None:
            raise RuntimeError("hints have nowhere to go: app wires who looks first")
        self._look(device, about)
        if about in {About.WHOLE, About.CONFIGURATION}:
            self.reconfigured(device)

    def reconfigured(self, device: str) -> None:
        """It may hold another configuration than it did."""
        for read in self._read:
            read(device)
