"""F-05: ends that are no kill -9: the kernel ends the agent for memory; it aborts itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import lab_or_skip
from tests.crash import load, memory, rounds
from tests.crash.memory import Group
from tests.crash.points import Sending, came
from tests.crash.world import World

BYTES = (1_500_000, 3_000_000, 6_000_000)
"""What it may have beyond what it was born with: it dies where it asks for more."""


_TRIES = 7
"""So often further orders are sent, after the end of those before, to use that up."""
_AFTER = 2.0
"""Seconds for what follows the end of an order."""


def _sent(world: World, number: int) -> Sending:
    port = f"eth{number + 2}"
    return Sending(world, load.eline(f"oom{number}", f"pe1:{port}", f"pe2:{port}"))


@pytest.fixture
def group() -> Iterator[Group]:
    with lab_or_skip.needed(), memory.group() as made:
        yield made


@pytest.mark.peer
def test_an_agent_that_the_kernel_ends_for_memory_leaves_nothing_half_done(
    group: Group, here: World, failures: Path
) -> None:
    sent: list[Sending] = []
    for more in BYTES:
        group.limit(here.alive.pid, more)
        for _ in range(_TRIES):
            sent += [_sent(here, len(sent) + one) for one in range(4)]
            if here.until(partial(came, here, sent)) and here.alive.ended(_AFTER):
                break
        assert here.alive.ended(), f"it did not ask for {more} bytes more"
        here.kills.append(f"no memory beyond {more} bytes more")
        here.start()
    assert group.killed == len(BYTES)
    for one in sent:
        one.end()
    found = rounds.judged(here, failures)
    assert not found, "\n".join(map(str, found))


def test_an_agent_that_aborts_leaves_nothing_half_done(here: World, failures: Path) -> None:
    outcome = rounds.random_kills(here, kills=3, seed=5, number=signal.SIGABRT)
    assert outcome.kills == 3
    found = rounds.judged(here, failures, seed=5)
    assert not found, "\n".join(map(str, found))
