"""F-05: ends that are no kill -9: the kernel ends the agent for memory; it aborts itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import lab_or_skip
from tests.crash import load, memory, rounds
from tests.crash.memory import Group
from tests.crash.points import Sending
from tests.crash.world import World

BYTES = (1_500_000, 3_000_000, 6_000_000)
"""What it may have beyond what it was born with: it dies where it asks for more."""


@pytest.fixture
def group() -> Iterator[Group]:
    with lab_or_skip.needed(), memory.group() as made:
        yield made


@pytest.mark.peer
def test_an_agent_that_the_kernel_ends_for_memory_leaves_nothing_half_done(
    group: Group, here: World, failures: Path
) -> None:
    sent: list[Sending] = []
    for number, more in enumerate(BYTES):
        group.limit(here.alive.pid, more)
        for port in range(2 + 4 * number, 6 + 4 * number):
            body = load.eline(f"oom{port}", f"pe1:eth{port}", f"pe2:eth{port}")
            sent.append(Sending(here, body))
        assert here.alive.ended(60), f"it did not ask for {more} bytes more"
        here.kills.append(f"no memory beyond {more} bytes more")
        here.start()
    assert group.killed == len(BYTES)
    for one in sent:
        one.end()
    found = rounds.judged(here, failures)
    assert not found, "\n".join(map(str, found))


def test_an_agent_that_aborts_leaves_nothing_half_done(here: World, failures: Path) -> None:
    outcome = rounds.random_kills(here, kills=3, seed=5, orders=12, number=signal.SIGABRT)
    assert outcome.kills == 3
    found = rounds.judged(here, failures, seed=5)
    assert not found, "\n".join(map(str, found))
