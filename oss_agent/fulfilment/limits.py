"""Every number fulfilment waits, tries or counts by, as one value; ``app`` fills it from settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds unless said. The first five carry the names of the settings' fulfilment section."""

    confirm_within: float = 120.0
    """a device undoes an unconfirmed commit by itself after this: 3x our worst restart"""
    rpc_timeout: float = 30.0
    """one answer of a device"""
    prove_within: float = 20.0
    """all predicates must have become true; at most half of ``confirm_within`` is used"""
    device_deadline: float = 3600.0
    """an order waits for a device that is down or locked, then fails"""
    retry: float = 5.0
    """first pause before a waiting order is tried again, doubled up to a minute"""
    prove_every: float = 0.5
    """pause between two looks at predicates that do not hold yet"""
    attempts: int = 3
    """how often an interrupted transaction is done again before its order fails"""
    in_flight: int = 64
    """transactions in work at once; the rest are rows, which cost nothing"""
    feed_every: float = 2.0
    """how often the feeder looks when nobody wakes it"""
    stalled_after: float = 900.0
    """a running transaction without a sign of life is given to a new run"""
    items: int = 100
    """items of one order"""

    @property
    def proving(self) -> float:
        """How long the vote may look: a device's own undo must stay far away."""
        return min(self.prove_within, self.confirm_within / 2)

    @property
    def settling(self) -> float:
        """How long a start may settle before the rest runs: a third of ``confirm_within``."""
        return self.confirm_within / 3

    def pause(self, tries: int) -> float:
        """Seconds before try number ``tries`` + 1 (from 0): doubled, at most a minute."""
        return min(self.retry * 2.0 ** min(tries, 10), max(60.0, self.retry))
