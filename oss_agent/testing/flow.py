"""A deterministic flow in this process: the test says when a phase runs and when the process dies.

It keeps the contract of ``spi.flow`` and nothing more: phases in order, at least once, a pair
enqueued once. Which run goes next is drawn from a seed, so that a test can try many orders of
events and repeat any of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from oss_agent.spi import flow


class SteppedFlow:
    """``spi.flow.Flow`` whose phases run only when ``step`` or ``drain`` is called."""

    def __init__(self, *, seed: int = 0) -> None:
        self._chance = random.Random(seed)  # noqa: S311  the seed is the point
        self._phases: tuple[flow.Phase, ...] = ()
        self._position: dict[tuple[str, int], int] = {}
        self._launched = False

    @property
    def waiting(self) -> tuple[tuple[str, int], ...]:
        """Runs that have not ended, in the order they were enqueued."""
        return tuple(run for run, at in self._position.items() if at < len(self._phases))

    def register(self, phases: Sequence[flow.Phase]) -> None:
        """Declare the line of phases. Again after ``crash``: a new process does."""
        if self._launched:
            raise RuntimeError("the phases are declared before launch")
        self._phases = tuple(phases)

    async def launch(self) -> None:
        """Let phases run; runs of before a crash stand where they were last recorded."""
        self._launched = True

    async def enqueue(self, transaction: str, run: int) -> None:
        """Note the run; a second enqueue of the same pair does nothing."""
        self._check_launched()
        self._position.setdefault((transaction, run), 0)

    async def step(self, *, record: bool = True) -> bool:
        """Run the next phase of one waiting run; False when none waits.

        ``record=False`` is a death after the phase did its work and before that was recorded: the
        phase's effects stand and it will run again. What a phase raises is raised here, unrecorded.
        """
        self._check_launched()
        if not self.waiting:
            return False
        transaction, run = self._chance.choice(self.waiting)
        at = self._position[transaction, run]
        then = await self._phases[at].act(transaction, run)
        if record:
            ended = then is flow.Next.END
            self._position[transaction, run] = len(self._phases) if ended else at + 1
        else:
            self.crash()
        return True

    async def drain(self, *, limit: int = 10_000) -> int:
        """Step until no run waits; how many phases ran. A run that never ends is an error."""
        for done in range(limit):
            if not await self.step():
                return done
        raise RuntimeError(f"{limit} phases ran and {len(self.waiting)} runs still wait")

    def crash(self) -> None:
        """Die between phases: only what was recorded stays. ``register`` and ``launch`` restart."""
        self._launched = False

    def lose(self) -> None:
        """Forget every run that has not ended, without a word to anybody: a worker that hangs."""
        self._position = dict.fromkeys(self._position, len(self._phases))

    async def stop(self, *, within: float) -> None:  # noqa: ARG002  nothing is ever in flight here
        """Stop; waiting runs stay for the next launch."""
        self._launched = False

    def _check_launched(self) -> None:
        if not self._launched:
            raise RuntimeError("the flow is not launched (or it crashed): launch it first")
