"""Decides in which order the stores of a transaction are changed, and what is safe at all. Pure.

Those whose device undoes an unconfirmed commit by itself go first, together. The others cannot wait
unconfirmed: for them HELD means applied. They follow one at a time, the weakest last, so that at
any moment at most one store is between two configurations without a timer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from oss_agent import errors
from oss_agent.fulfilment.record import states
from oss_agent.spi import device

_STRENGTH = {rung: place for place, rung in enumerate(device.Rung)}


def stand(name: str, offers: frozenset[device.Capability]) -> device.Rung:
    """The rung a store stands on. DeviceRefused when it offers nothing that can be taken back."""
    found = device.rung(offers)
    if found is None:
        raise errors.DeviceRefused(
            name,
            "it offers neither a candidate, a commit timer, rollback on error, replace nor "
            "reversible lines: an all-or-nothing change is not possible there; enable one of them",
        )
    return found


def timed(participants: Sequence[states.Participant]) -> tuple[states.Participant, ...]:
    """Those that undo themselves: held first, all at once."""
    return tuple(one for one in participants if one.rung is not None and one.rung.timed)


def timerless(participants: Sequence[states.Participant]) -> tuple[states.Participant, ...]:
    """The others, one after another, the weakest last."""
    rest = (one for one in participants if one.rung is not None and not one.rung.timed)
    return tuple(sorted(rest, key=lambda one: (_strength(one), one.key)))


def _strength(one: states.Participant) -> int:
    return _STRENGTH[one.rung] if one.rung is not None else len(_STRENGTH)
