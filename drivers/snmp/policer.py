"""Decides whether one more datagram of a source is let in: a token bucket per source.

Pure: the time is passed in. Sources are spoofable, so the table is bounded; the one unheard for
longest is forgotten first, and comes back with a full bucket.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Policer:
    """``rate`` datagrams a second per source, ``burst`` at once, at most ``sources`` remembered."""

    def __init__(self, *, rate: float, burst: int, sources: int) -> None:
        self._rate = rate
        self._burst = burst
        self._sources = sources
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        """Sources remembered."""
        return len(self._buckets)

    def admits(self, source: str, now: float) -> bool:
        """Take a token of ``source``; False when it has none. ``now`` is monotonic seconds."""
        bucket = self._buckets.pop(source, None) or self._new(now)
        self._buckets[source] = bucket  # last in the order: the first is the longest unheard
        elapsed = max(now - bucket.at, 0.0)
        bucket.tokens = min(bucket.tokens + elapsed * self._rate, self._burst)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _new(self, now: float) -> _Bucket:
        if len(self._buckets) >= self._sources:
            del self._buckets[next(iter(self._buckets))]
        return _Bucket(float(self._burst), now)
