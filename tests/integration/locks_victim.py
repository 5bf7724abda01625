"""A program that takes a slot, says which, and waits: ``python locks_victim.py URL DATA``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from oss_agent import locks


async def main(url: str, data: Path) -> None:
    async with locks.open_locks(url, data) as it:
        os.write(1, f"{await locks.take_slot(it)}\n".encode())
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
