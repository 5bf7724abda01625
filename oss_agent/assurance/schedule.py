"""Decides when a device is polled next. Pure; seconds on the monotonic clock.

Each device has its slot, the hash of its name modulo the interval, and is due at slot + k times
the interval for ever: fixed rate, so that polls neither drift nor bunch. A device that does not
answer is due less often, up to every eighth interval, and never not at all.
"""

from __future__ import annotations

import math
import zlib
from typing import Final

_MOST_INTERVALS: Final = 8


def slot(device: str, interval: float) -> float:
    """Where in the interval a device's polls lie: 0 <= slot < interval, stable over restarts."""
    return zlib.crc32(device.encode()) / 2**32 * interval


def intervals(failures: int) -> int:
    """How many intervals lie between polls after so many failures in a row: 1, 2, 4, 8, 8, ..."""
    return min(1 << min(failures, _MOST_INTERVALS), _MOST_INTERVALS)


def due(device: str, interval: float, now: float, failures: int = 0) -> float:
    """The first of the device's times after ``now``, or as many later as its failures ask for."""
    offset = slot(device, interval)
    turns = math.floor((now - offset) / interval) + intervals(failures)
    at = offset + turns * interval
    return at if at > now else at + interval  # floating point may land on now itself
