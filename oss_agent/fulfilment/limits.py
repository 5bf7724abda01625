"""Every number fulfilment waits, tries or counts by, as one value; ``app`` fills it from settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Literal

from oss_agent.spi import orders, stops


@dataclass(frozen=True, slots=True)
class Window:
    """When writes are allowed, each week: ``days`` (0 is Monday) from ``begins`` to ``ends``, UTC.

    A window that ends before it begins goes on into the next day.
    """

    scope: stops.Scope
    name: str
    days: frozenset[int]
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds unless said. What the settings' fulfilment section has goes by the same name."""

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
    items: int = orders.ITEMS
    """items of one order"""
    logins: int = 50
    """logins and sessions being opened at once, over all devices"""
    logins_per_device: int = 2
    """the same at one device"""
    remembered: float = 0.5
    """what the inventory says of how a device is reached holds so long for a login that is open"""
    idle: float = 60.0
    """a login that nobody uses is closed after this"""
    goodbye: float = 5.0
    """all logins have so long to close when the agent stops, then they are cut"""
    reconnect: float = 0.5
    """at most this before a login that broke is made again, so that not all are at once"""
    lease_deadline: float = 14_400.0
    """an order waits for devices that other orders hold, then fails"""
    faults: int = 5
    """so often the agent itself may fail at a transaction before it rests until a person acts"""
    neighbours: int = 50
    """predicates of other services on the same devices that are judged with ours"""
    group: int = 16
    """transactions that wait for the same devices and may be carried by one commit; 1: each alone"""
    windows: tuple[Window, ...] = ()
    """change windows; a device that none covers may be written to at any time"""
    breaker_votes: int = 3
    """so many failed proofs in a row on one platform pause its writes; 0: never"""
    approval: Literal["never", "large", "always"] = "large"
    """whose plan a person must approve before anything is sent"""
    large_devices: int = 20
    """devices of one transaction above which it is large"""
    approve_within: float = 86_400.0
    """a plan waits so long for approval, then its order fails"""
    watch_every: float = 10.0
    """pause between two looks at whether open orders will be ready as promised"""
    promise_slack: float = 60.0
    """at least so much later than what its history says a completion is promised; looks are nearer"""
    relations: int = orders.RELATIONS
    """what the items of one order come after, all together"""
    depth: int = orders.DEPTH
    """items nested in one another"""
    tests: int = 4
    """service tests that somebody asked for, in work at once"""
    tests_open: int = 100
    """the same of one tenant, waiting and in work; further ones are refused"""
    test_within: float = 60.0
    """one service test; what has not answered by then fails it"""
    fallout: Literal["fail", "hold", "rollback"] = "fail"
    """what becomes of an item that fails for good: it ends, is kept until a person decides, or takes
    back what its order had completed"""
    fallout_within: float = 604_800.0
    """what is kept waits so long for a person, then it ends failed"""
    information_within: float = 604_800.0
    """an item waits so long for what its requester has still to say, then it is cancelled"""
    unsettled_after: float = 900.0
    """a device that could not be settled for so long is shown as fallout"""
    stopped_look: float = 60.0
    """longest sleep of a transaction that a stop keeps from starting"""

    @property
    def proving(self) -> float:
        """How long the vote may look: a device's own undo must stay far away."""
        return min(self.prove_within, self.confirm_within / 2)

    @property
    def settling(self) -> float:
        """How long a start may settle before the rest runs: a third of ``confirm_within``."""
        return self.confirm_within / 3

    @property
    def hold_open(self) -> float:
        """A writing session nobody used for so long is closed: its device undid what it held."""
        return 2 * self.confirm_within

    def pause(self, tries: int) -> float:
        """Seconds before try number ``tries`` + 1 (from 0): doubled, at most a minute."""
        return min(self.retry * 2.0 ** min(tries, 10), max(60.0, self.retry))
