"""What is shown of what an order would do, does and waits for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from oss_agent.spi.views.orders import OrderState, WaitView


@dataclasses.dataclass(frozen=True, slots=True)
class ParticipantView:
    """One device's part in a transaction, for explain: journal state and when."""

    device: str
    state: str
    since: datetime
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to 'what is this order waiting for?': one sentence first, facts after.

    ``promise`` says whether what was promised will be kept; "" when nothing was.
    """

    order: str
    state: OrderState
    sentence: str
    waits: tuple[tuple[str, WaitView], ...]
    participants: tuple[ParticipantView, ...]
    history: tuple[tuple[datetime, str], ...]
    promise: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceDiff:
    """What a plan does to one configuration store of a device: native text forward and reverse.

    Both texts are "" where nothing changes. ``reversibility`` says in words what takes the change
    back there; ``paths`` are the nodes the service owns there then. ``by_hand`` are the edits by hand
    in the service's part and what becomes of each, in words.
    """

    device: str
    platform: str
    reversibility: str
    diff: str
    reverse: str
    paths: tuple[str, ...]
    store: str = ""
    by_hand: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class NeighbourView:
    """Another service on a device that a plan changes; ``paths`` are the nodes both own.

    A service of another tenant has neither id nor customer here.
    """

    device: str
    service: str
    service_name: str
    customer: str
    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class DryRun:
    """What an order would do; claims nothing.

    ``hash`` is SHA-256 hex over the native edits only. ``claims`` are (pool, value, note) where a
    value is marked 'likely' because a dry-run reserves nothing. ``touches`` are other services on
    the same nodes, ``neighbours`` those on the same devices. ``predicates`` say what will be proven.
    ``expected_seconds`` is the median of the last changes on these devices, None without history.
    ``differences`` are what stands in the way of an adoption, by device and path, in words.
    """

    item: str
    service_name: str
    changes: bool
    devices: tuple[DeviceDiff, ...]
    claims: tuple[tuple[str, str, str], ...]
    ports: tuple[str, ...]
    touches: tuple[str, ...]
    predicates: tuple[str, ...]
    hash: str
    neighbours: tuple[NeighbourView, ...] = ()
    expected_seconds: float | None = None
    differences: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class PlanView:
    """The plan of one item of an order, for whoever approves it.

    ``hash`` is what it came to the last time it was planned, ``approved`` what a person approved;
    ``natives`` is the text per participant (``pe1``, ``pe1/vtysh``) while it is remembered, and
    ``difference`` a unified diff from the approved plan to this one ("" when there is none).
    """

    item: str
    hash: str | None
    approved: str | None
    waits: bool
    natives: Mapping[str, str]
    difference: str
