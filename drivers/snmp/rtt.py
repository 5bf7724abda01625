"""Decides how long to wait for one agent: RFC 6298 section 2, with bounds of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ALPHA: Final = 1 / 8
_BETA: Final = 1 / 4


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What is known of an agent's answering time, seconds; ``smoothed`` None before a sample."""

    smoothed: float | None = None
    variation: float = 0.0

    def measured(self, sample: float) -> RoundTrip:
        """With one more sample; never one of a repeated request (Karn)."""
        if self.smoothed is None:
            return RoundTrip(sample, sample / 2)
        variation = (1 - _BETA) * self.variation + _BETA * abs(self.smoothed - sample)
        return RoundTrip((1 - _ALPHA) * self.smoothed + _ALPHA * sample, variation)

    def wait(self, attempt: int, *, first: float, floor: float, ceiling: float) -> float:
        """Seconds to wait for the answer to attempt 0, 1, ...; doubled at each repetition."""
        base = first if self.smoothed is None else self.smoothed + 4 * self.variation
        return min(max(base, floor) * 2.0**attempt, ceiling)
