"""F-04: the power goes, and with it every byte that was not synced; nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oss_agent.testing.checker import verdict
from tests import lab_or_skip
from tests.crash import collect, load, power, rounds, victims, world
from tests.crash.power import Disk
from tests.crash.world import World

pytestmark = pytest.mark.peer
CUTS = 3
LATER = {"OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "60"}
"""No timer may ring here, and to copy a disk takes a busy machine seconds."""


@pytest.fixture
def supply(tmp_path: Path) -> Iterator[Disk]:
    """The disk of the world's data."""
    at = tmp_path / "world" / "data"
    with lab_or_skip.needed(), power.disk(tmp_path / "images", at) as made:
        yield made


@pytest.fixture
def powered(supply: Disk, births: world.Child, tmp_path: Path) -> Iterator[World]:
    """A world whose agent writes to that disk."""
    del supply  # it is there before the world and after it
    with world.opened(tmp_path / "world", births, env=LATER) as opened:
        yield opened


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    supply: Disk, powered: World, failures: Path
) -> None:
    outcome = rounds.random_kills(powered, kills=CUTS, seed=4, dead=supply.cut)
    assert outcome.kills == CUTS
    found = rounds.judged(powered, failures, seed=4)
    assert not found, "\n".join(map(str, found))


def test_a_database_that_does_not_sync_is_found(supply: Disk, powered: World) -> None:
    """The cut itself, tested: with synchronous = OFF the order that was answered 201 is gone."""
    # The kernel itself writes what is half a minute old: who took that long has shown nothing.
    assert any(_lost(supply, powered, f"eth{number}") for number in range(2, 5))


def _lost(supply: Disk, powered: World, port: str) -> bool:
    """Is an order lost that completed without a sync before the power went?"""
    powered.kill("to be born with a bug")
    powered.start(env={victims.MUTANT: "never_synced"})
    order = powered.send(load.eline(f"acme-{port}", f"pe1:{port}", f"pe2:{port}"))
    assert powered.until(lambda: powered.order(order)["state"] == "completed", 300)
    powered.kill("when it read completed")
    supply.cut()
    powered.start()
    powered.rest(5)
    said = " ".join(map(str, verdict.judge(collect.collect(powered))))
    return f"order {order} was acknowledged (201) and is lost" in said
