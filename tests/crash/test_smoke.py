"""The small part of scripts/crash: each failpoint once, thirty random kills; and the lint behind it."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oss_agent.fulfilment import failpoints
from oss_agent.fulfilment.record import states
from oss_agent.spi import device
from tests.crash import suite, world
from tests.crash.points import Point

ROOM = Path(__file__).parents[2] / "oss_agent" / "fulfilment"
SEED = 1
MINUTES = 24.0
"""Nothing new is begun after this: a machine that is this slow fails by the points it never met.

It takes some seven where two cores do all else beside it.
"""
UNREACHED: dict[str, str] = {}
"""What no scenario leads past today, and why. It is empty: write a scenario rather than a line here."""


@pytest.fixture(scope="module")
def smoke(
    births: world.Child, tmp_path_factory: pytest.TempPathFactory
) -> tuple[suite.Run, tuple[Point, ...]]:
    deadline = time.monotonic() + MINUTES * 60
    run = suite.Run(tmp_path_factory.mktemp("smoke"), births, SEED, deadline, str)
    return run, suite.smoke(run)


def test_no_law_is_broken_by_a_kill_at_each_failpoint_and_at_random(
    smoke: tuple[suite.Run, tuple[Point, ...]],
) -> None:
    run, _ = smoke
    print(suite.table(run))
    assert not run.violations, f"{run.failures}: {run.violations[0]}"
    assert run.lines["random SIGKILL"].kills == 30


def test_every_failpoint_that_was_found_was_died_at(
    smoke: tuple[suite.Run, tuple[Point, ...]],
) -> None:
    run, known = smoke
    assert [p.name for p in known if not run.lines[p.name].kills] == []


def test_every_write_and_call_in_the_source_is_met_by_the_suite(
    smoke: tuple[suite.Run, tuple[Point, ...]],
) -> None:
    """A journal write or device call that no scenario reaches has never been died at."""
    _, known = smoke
    met = {point.name for point in known}
    named = {f"{family}.{name}.{side}" for family, name in names() for side in ("before", "after")}
    unmet = {name.rpartition(".")[0] for name in named - met}
    assert unmet == set(UNREACHED), "write a scenario, or strike what is reached now"


def test_no_write_and_no_call_goes_round_the_failpoints() -> None:
    found = [f"{file.name}:{line}: {why}" for file in sources() for line, why in rounds(file)]
    assert found == []


def test_a_failpoint_waits_for_its_passing() -> None:
    points = failpoints.Failpoints({"a@2": "raise"})
    points.hit("a")
    with pytest.raises(failpoints.Crash):
        points.hit("a")


def sources() -> list[Path]:
    return sorted(ROOM.rglob("*.py"))


def names() -> set[tuple[str, str]]:
    """Every name given to ``Journal.write`` (or a state moved to) and ``Talk.call``."""
    found: set[tuple[str, str]] = set()
    for file in sources():
        for call in calls(file):
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                family = {"write": "journal", "call": "device"}.get(attribute(call))
                found |= {(family, first.value)} if family else set()
    moved = {state for state in states.State if state is not states.State.PLANNED}
    return found | {("journal", str(state)) for state in moved}


def rounds(file: Path) -> Iterator[tuple[int, str]]:
    """Calls of the store's write and of a session's methods, outside of the two ways to them."""
    asked = {name for name in vars(device.Session) if not name.startswith("_")}
    made = calls(file)
    inside = {id(n) for call in made if attribute(call) == "call" for n in ast.walk(call)}
    for call in made:
        if not isinstance(call.func, ast.Attribute):
            continue
        owner, name = ast.unparse(call.func.value), call.func.attr
        if file.name != "journal.py" and name == "write" and not at_journal(owner):
            yield call.lineno, f"{owner}.write goes round Journal.write"
        if name in asked and owner.rpartition(".")[2] == "session" and id(call) not in inside:
            yield call.lineno, f"{owner}.{name} goes round Talk.call"


def at_journal(owner: str) -> bool:
    return owner.rpartition(".")[2] == "journal"


def calls(file: Path) -> list[ast.Call]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
