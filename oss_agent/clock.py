"""The machine's clocks, as ``spi.clock.Clock``."""

from __future__ import annotations

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
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        return clock.BootTime(boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))
