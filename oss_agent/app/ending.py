"""Decides how long the daemon may take to end once it was told to.

A thread cannot be cancelled, and the order motor's wait for their database without an end; so does a
read from a server that stands still. An interpreter waits for its threads, so without this a stop
would last as long as the outage. Ending without clean-up is what the journal is made for: what was
begun is settled at the next start, as after a kill.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable

import structlog

from oss_agent import locks

WITHIN = 45.0
"""Seconds; the drain, closing sessions and the motor's own end fit in them."""
_WORDS = 5.0
"""Seconds for the last line of the log."""


def told(stop: asyncio.Event, within: float = WITHIN) -> Callable[[], None]:
    """What a signal calls: tells to stop, and ends the process ``within`` seconds whatever hangs."""

    def act() -> None:
        if stop.is_set():
            return
        stop.set()
        last = threading.Timer(within, _end, (within,))
        last.daemon = True
        last.start()

    return act


def _end(within: float) -> None:
    # Whoever reads our log may be gone, or stuck: nothing of what is said may keep us.
    last = threading.Timer(_WORDS, os._exit, (locks.EXIT_LOST,))
    last.daemon = True
    last.start()
    try:
        _say(within)
    finally:
        os._exit(locks.EXIT_LOST)


def _say(within: float) -> None:
    waiting = sorted(
        one.name for one in threading.enumerate() if one is not threading.current_thread()
    )
    structlog.get_logger(__name__).error(
        "ended without clean-up: something still waits, often for a database that is away; "
        "what was begun is settled and goes on at the next start",
        seconds=within,
        threads=waiting,
    )
    sys.stderr.flush()
