"""The machine's clocks, as ``spi.clock.Clock``."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime
from pathlib import Path

from oss_agent.spi import clock

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Wall, monotonic and boot time of this machine."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds, for deadlines inside this process."""
        return time.monotonic()

    def boot(self) -> clock.BootTime:
        """Seconds since boot, sleep included, with the id of this boot."""
        return clock.BootTime(self._boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))

    @functools.cached_property
    def _boot_id(self) -> str:
        """Read once: no process outlives its boot, and every phase of an order asks."""
        return BOOT_ID.read_text(encoding="ascii").strip()
