"""A program that runs orders until it is killed.

``python flow_victim.py URL LOG SECONDS [TRANSACTION...]``: it takes a slot, enqueues run 1 of each
transaction and appends ``begin|end PHASE TRANSACTION:RUN`` to LOG; a phase takes SECONDS.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from oss_agent import locks
from oss_agent.flow import DbosFlow, Pace
from oss_agent.spi import flow

PHASES = ("one", "two", "three")


def _phase(log: int, name: str, seconds: float) -> flow.Phase:
    async def act(transaction: str, run: int) -> flow.Next:
        os.write(log, f"begin {name} {transaction}:{run}\n".encode())
        await asyncio.sleep(seconds)
        os.write(log, f"end {name} {transaction}:{run}\n".encode())
        return flow.Next.CONTINUE

    return flow.Phase(name, act)


async def _poisoned(transaction: str, run: int, phase: str, error: Exception) -> None:
    raise AssertionError(f"{transaction}:{run} poisoned in {phase}") from error


async def main(url: str, log: str, seconds: float, transactions: list[str]) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with locks.open_locks(url, Path(log).parent) as held:
        slot = await locks.take_slot(held)
        it = DbosFlow(url, executor=slot, poisoned=_poisoned, pace=Pace(poll=0.05))
        it.register([_phase(file, name, seconds) for name in PHASES])
        await it.launch()
        for transaction in transactions:
            await it.enqueue(transaction, 1)
        os.write(1, b"queued\n")
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]))
