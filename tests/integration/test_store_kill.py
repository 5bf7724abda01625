"""What the store acknowledged survives kill -9 at any moment, whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

_VICTIM = Path(__file__).parent / "store_victim.py"
_KILLS = 6


def _run_and_kill(url: str, first: int, after: float) -> set[int]:
    """Return the numbers acknowledged before the kill, ``after`` seconds after the first one."""
    victim = subprocess.Popen([sys.executable, _VICTIM, url, str(first)], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    with victim.stdout as acks:
        begun = acks.readline()
        time.sleep(after)
        victim.kill()
        lines = [begun, *acks.readlines()]
    victim.wait(timeout=20)
    return {int(line) for line in lines if line.endswith(b"\n")}


def _pairs(url: str) -> Counter[int]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = Counter(connection.scalars(sa.text('SELECT pair FROM "row"')))
    engine.dispose()
    return found


def test_every_acknowledged_row_is_there_and_none_is_torn(database_url: str) -> None:
    chance = random.Random(20261121)  # noqa: S311  chance in tests need not be secret
    acked: set[int] = set()
    for kill in range(_KILLS):
        acked |= _run_and_kill(database_url, kill * 1_000_000, chance.uniform(0.0, 0.25))
        stored = _pairs(database_url)

        assert acked - stored.keys() == set(), "acknowledged, yet lost"
        assert set(stored.values()) == {2}, "a unit is whole or absent"
    assert len(acked) > _KILLS
