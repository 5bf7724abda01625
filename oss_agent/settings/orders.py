"""How orders meet devices, when they may, and what becomes of those in trouble."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal, get_args

import pydantic

from oss_agent.settings.section import Clash, Seconds, Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = get_args(Day)


class Window(Section):
    """When devices may be written to, each week, UTC. Devices that no window covers always may."""

    scope: Literal["all", "device", "site", "platform"] = "all"
    """What it covers; ``name`` says which device, site or platform."""
    name: str = ""
    """Empty for scope ``all``."""
    days: tuple[Day, ...] = WEEK
    """Days on which it opens."""
    begins: dt.time
    """Opens at, ``22:00``."""
    ends: dt.time
    """Closes at; earlier than ``begins`` means on the next day."""

    def clashes(self) -> Iterator[Clash]:
        """A name goes with its scope, and a window opens at some time."""
        if (self.scope == "all") is bool(self.name):
            yield ("scope", "name"), "scope all has no name, every other scope needs one"
        if not self.days:
            yield ("days",), "a window without days never opens: pause writes instead"


class Fulfilment(Section):
    """How orders meet devices."""

    confirm_within: Seconds = 120.0
    """Seconds until a device undoes an unconfirmed commit by itself: 3x the worst restart of ours."""
    rpc_timeout: Seconds = 30.0
    """Seconds for one answer of a device; a slower commit is read back, never guessed."""
    prove_within: Seconds = 20.0
    """Seconds for all predicates to become true, inside the confirm window (at most half of it)."""
    device_deadline: Seconds = 3600.0
    """Seconds an order waits for a device that is down or locked before it fails."""
    retry: Seconds = 5.0
    """Seconds before the next try of a waiting order, doubled with jitter up to a minute."""
    group: int = pydantic.Field(default=16, ge=1, le=64)
    """Orders for the same devices that one commit may carry while they wait; 1: each by itself."""
    windows: tuple[Window, ...] = ()
    """Change windows: outside them an order waits. ``oss-agent pause`` is for everything else."""
    breaker_votes: int = pydantic.Field(default=3, ge=0, le=100)
    """So many failed proofs in a row on one platform pause its writes and call a person; 0: never."""
    approval: Literal["never", "large", "always"] = "large"
    """Whose plan a person must approve first: ``large`` means more than ``large_devices`` devices."""
    large_devices: int = pydantic.Field(default=20, ge=1)
    """Devices one item may change without a person's approval."""
    approve_within: Seconds = 86_400.0
    """Seconds a plan waits for approval before the order fails and gives back what it reserved."""

    def clashes(self) -> Iterator[Clash]:
        """What is to be done before the device undoes the change fits into that time."""
        if self.prove_within > self.confirm_within / 2:
            words = (
                f"prove_within {self.prove_within:g} s is more than half of confirm_within "
                f"{self.confirm_within:g} s: the device would undo the change while it is proven"
            )
            yield ("prove_within", "confirm_within"), words
        if self.rpc_timeout > self.confirm_within / 3:
            words = (
                f"rpc_timeout {self.rpc_timeout:g} s is more than a third of confirm_within "
                f"{self.confirm_within:g} s: one late answer would use up the time to decide in; "
                "raise confirm_within or lower rpc_timeout"
            )
            yield ("rpc_timeout", "confirm_within"), words


class Orders(Section):
    """What becomes of orders in trouble."""

    fallout: Literal["fail", "hold", "rollback"] = "fail"
    """An item that fails for good ends ``failed``, is held until a person decides
    (``oss-agent fallout``), or takes back what its order had completed (``rollback``: all or nothing);
    an order may say otherwise by the header ``Fallout``."""
    fallout_within: Seconds = 604_800.0
    """Seconds that such an item is held, with what it reserved, before it fails all the same."""
    information_within: Seconds = 604_800.0
    """Seconds that an item is ``pending`` for what its requester has still to say, before it ends
    ``cancelled``."""
    unsettled_after: Seconds = 900.0
    """Seconds that a device may stay other than decided until it is listed with the fallout."""
