"""A program with an order in work that ends when it is told to: ``python ending_victim.py URL SECONDS``.

Its one run says ``begun`` and goes on when it reads a line. SECONDS is how long ending may take.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from oss_agent.app import daemon, ending
from oss_agent.flow import DbosFlow, Pace
from oss_agent.spi import flow


async def _act(_transaction: str, _run: int) -> flow.Next:
    os.write(1, b"begun\n")
    await asyncio.to_thread(os.read, 0, 1)
    os.write(1, b"done\n")
    return flow.Next.CONTINUE


async def _poisoned(transaction: str, run: int, phase: str, error: Exception) -> None:
    raise AssertionError(f"{transaction}:{run} poisoned in {phase}") from error


async def _live(url: str) -> None:
    it = DbosFlow(url, executor="slot-0", poisoned=_poisoned, pace=Pace(poll=0.05))
    it.register([flow.Phase("one", _act)])
    await it.launch()
    try:
        await it.enqueue("a", 1)
        await asyncio.Event().wait()
    finally:
        await it.stop(within=0.1)


async def main(url: str, within: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.told(stop, within))
    await daemon.until(stop, _live(url))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
