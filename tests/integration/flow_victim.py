"""A program that runs orders until it is killed: ``python flow_victim.py URL LOG [TRANSACTION...]``.

It enqueues run 1 of each transaction and appends ``begin|end PHASE TRANSACTION`` to LOG.
"""

from __future__ import annotations

import asyncio
import os
import sys

from oss_agent.flow import DbosFlow, Pace
from oss_agent.spi import flow

PHASES = ("one", "two", "three")


def _phase(log: int, name: str) -> flow.Phase:
    async def act(transaction: str, run: int) -> flow.Next:
        os.write(log, f"begin {name} {transaction}:{run}\n".encode())
        await asyncio.sleep(0.05)
        os.write(log, f"end {name} {transaction}:{run}\n".encode())
        return flow.Next.CONTINUE

    return flow.Phase(name, act)


async def _poisoned(transaction: str, run: int, phase: str, error: Exception) -> None:
    raise AssertionError(f"{transaction}:{run} poisoned in {phase}") from error


async def main(url: str, log: str, transactions: list[str]) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    it = DbosFlow(url, executor="slot-0", poisoned=_poisoned, pace=Pace(poll=0.05))
    it.register([_phase(file, name) for name in PHASES])
    await it.launch()
    for transaction in transactions:
        await it.enqueue(transaction, 1)
    os.write(1, b"queued\n")
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
