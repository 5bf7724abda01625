"""A program that writes rows and says each one's number once it is acknowledged, until it is killed.

python store_victim.py URL FIRST_NUMBER
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import sys

import sqlalchemy as sa

from oss_agent import store

METADATA = sa.MetaData()
ROWS = sa.Table(
    "row", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("pair", sa.Integer)
)


def put_pair(number: int, connection: sa.Connection) -> None:
    """Two rows or none: a torn unit shows."""
    connection.execute(ROWS.insert().values(id=2 * number, pair=number))
    connection.execute(ROWS.insert().values(id=2 * number + 1, pair=number))


async def _write(it: store.SqlStore, numbers: itertools.count[int]) -> None:
    for number in numbers:
        await it.write(functools.partial(put_pair, number))
        os.write(1, f"{number}\n".encode())


async def main(url: str, first: int) -> None:
    async with store.open_store(url) as it, asyncio.TaskGroup() as tasks:
        await it.write(METADATA.create_all)
        numbers = itertools.count(first)
        for _ in range(8):
            tasks.create_task(_write(it, numbers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
