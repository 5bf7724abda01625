"""Whatever moment the process dies, every stored event is told, in order, to every receiver."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from pathlib import Path

from tests.integration import killed

_VICTIM = Path(__file__).parent / "outbox_victim.py"
_KILLS = 4


def _told(log: Path) -> dict[tuple[str, str], list[int]]:
    """Numbers by (receiver, entity), each at its first delivery."""
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line in log.read_text().splitlines():
        receiver, entity, number = line.split()
        if int(number) not in told[receiver, entity]:
            told[receiver, entity].append(int(number))
    return told


def test_killed_and_restarted_it_loses_nothing_and_keeps_the_order(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311  chance in tests need not be secret
    log = tmp_path / "log"
    stored: set[int] = set()
    for kill in range(_KILLS):
        arguments = (database_url, log, kill * 1_000_000, 100_000)
        stored |= killed.numbers(_VICTIM, *arguments, after=chance.uniform(0.05, 0.3))
    last = killed.start(_VICTIM, database_url, log, 0, 0)
    try:
        deadline = time.monotonic() + 300
        while any(stored - told for told in _by_receiver(log).values()):
            assert time.monotonic() < deadline, "not everything was told in 300 s"
            time.sleep(0.1)
    finally:
        last.kill()
        last.communicate(timeout=300)

    assert set(_by_receiver(log)) == {"a", "b"}
    for numbers in _told(log).values():
        assert numbers == sorted(numbers), "an entity's events are told in the order of appending"


def _by_receiver(log: Path) -> dict[str, set[int]]:
    told: dict[str, set[int]] = {"a": set(), "b": set()}
    for (receiver, _entity), numbers in _told(log).items():
        told[receiver] |= set(numbers)
    return told
