"""The motor of order work: runs phases durably. The domain row is the truth, this only drives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias


class Next(StrEnum):
    """What a phase tells the motor."""

    CONTINUE = "continue"
    """run the next phase"""
    END = "end"
    """this run is over: finished, or waiting (then a later run starts, by the feeder)"""


Act: TypeAlias = Callable[[str, int], Awaitable[Next]]
"""``act(transaction_id, run)``: idempotent and re-entrant from own rows."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of every run: a name, by which a fault is told, and what to do."""

    name: str
    act: Act


class Flow(Protocol):
    """Durable execution of phases; at least once each, in order, results never read back.

    A run that was cut begins with its first phase again, or with that in which it was cut.
    """

    def register(self, phases: Sequence[Phase]) -> None:
        """Declare the line of phases. Once, before ``launch``."""
        ...

    async def launch(self) -> None:
        """Start the motor; runs that a crash cut are taken up again."""
        ...

    async def enqueue(self, transaction: str, run: int) -> None:
        """Start run ``run`` of ``transaction``. A second enqueue of the same pair does nothing.

        Call only from the feeder's own task, never from inside a phase.
        """
        ...

    async def stop(self, *, within: float) -> None:
        """Let phases in flight finish for up to ``within`` seconds, then stop."""
        ...
