"""Decides how long whoever stands in line for devices waits until all of them are free for it. Pure.

Who has devices goes on first, then each in order of acceptance. Neighbours in line that want exactly
the same devices are carried by one commit (``group``): they begin together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A transaction that waits for ``devices``, or has them: ``seconds`` are what it takes from its turn on."""

    transaction: str
    tenant: str
    devices: frozenset[str]
    accepted: int
    seconds: float
    holds: bool = False


@dataclass(slots=True)
class _Turn:
    """One commit: when it begins and ends, and how many more it may carry."""

    leader: Place
    begins: float
    ends: float
    room: int

    def carries(self, one: Place) -> bool:
        alike = (one.tenant, one.devices) == (self.leader.tenant, self.leader.devices)
        return self.room > 0 and alike


def waits(places: Collection[Place], most: int) -> Mapping[str, float]:
    """Seconds until each begins, by its transaction; ``most`` go together."""
    last: dict[str, _Turn] = {}
    begins: dict[str, float] = {}
    for one in sorted(places, key=lambda one: (not one.holds, one.accepted)):
        turn = _turn(one, last, most)
        last |= dict.fromkeys(one.devices, turn)
        begins[one.transaction] = turn.begins
    return begins


def _turn(one: Place, last: Mapping[str, _Turn], most: int) -> _Turn:
    """That of who stands just before it at all its devices, if it is carried along, else its own."""
    if one.holds:
        return _Turn(one, 0.0, one.seconds, 0)
    before = [last[name] for name in one.devices if name in last]
    if before and len(before) == len(one.devices) and all(it is before[0] for it in before):
        turn = before[0]
        if turn.carries(one):
            turn.room -= 1
            turn.ends = max(turn.ends, turn.begins + one.seconds)
            return turn
    start = max((turn.ends for turn in before), default=0.0)
    return _Turn(one, start, start + one.seconds, most - 1)
