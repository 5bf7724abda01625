"""What the store acknowledged survives kill -9 at any moment, whole."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from tests.integration import killed

_VICTIM = Path(__file__).parent / "store_victim.py"
_KILLS = 6


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
        after = chance.uniform(0.0, 0.25)
        acked |= killed.numbers(_VICTIM, database_url, kill * 1_000_000, after=after)
        stored = _pairs(database_url)

        assert acked - stored.keys() == set(), "acknowledged, yet lost"
        assert set(stored.values()) == {2}, "a unit is whole or absent"
    assert len(acked) > _KILLS
