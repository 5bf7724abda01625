"""Rounds of kills: what is done to an agent, and what came of it."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from oss_agent.testing import daemon as product
from oss_agent.testing.checker import facts as checked
from oss_agent.testing.checker import verdict
from oss_agent.testing.checker.facts import Expected, Violation
from tests.crash import collect, load, network
from tests.crash.world import NotReady, World

_PATIENCE = 300.0
"""Seconds for fifty orders that stand behind one whose confirm is in doubt."""
ORDERS = 500
"""Orders of one random round, ``load.AT_ONCE`` of them open at a time: more than there is time for."""


@dataclass(slots=True)
class Outcome:
    """One line of the table. ``ready``: seconds from birth until it answered ready again."""

    name: str
    kills: int = 0
    ready: list[float] = field(default_factory=list[float])
    violations: tuple[Violation, ...] = ()
    note: str = ""


def judged(
    world: World,
    failures: Path,
    *,
    seed: int = 0,
    expected: Expected | None = None,
    patience: float = 180.0,
) -> tuple[Violation, ...]:
    """Wait for rest, ``patience`` seconds at most, judge, and keep a failure's folder.

    It can be judged again. A world that is judged before it rests breaks laws that it keeps.
    """
    world.rest(patience)
    found = collect.collect(world, seed=seed, expected=expected)
    violations = verdict.judge(found)
    if violations:
        folder = failures / f"{world.place.name}-{seed}-{time.time_ns()}"
        checked.dump(found, folder)
        shutil.copy(world.place / "daemon.log", folder / "daemon.log")
        said = "\n\n".join(map(str, violations))
        (folder / "violations.txt").write_text(f"{said}\n", encoding="utf-8")
    return violations


def _nothing() -> None:
    """Death is all."""


def random_kills(
    world: World,
    *,
    kills: int,
    seed: int,
    number: int = signal.SIGKILL,
    dead: Callable[[], None] = _nothing,
) -> Outcome:
    """Kill at random moments, 0 to 3 s after it was ready, while orders are in work.

    ``dead`` is called between each death and the next life.
    """
    chance = random.Random(seed)  # noqa: S311  a seed, not a secret
    name = signal.Signals(number).name
    outcome = Outcome(f"random {name}")
    everywhere = load.ports((*network.EDGES, network.LINES))
    customer = load.Customer(world, load.Desk(chance, everywhere), ORDERS)
    customer.start()
    while outcome.kills < kills and customer.is_alive():
        after = chance.uniform(0, 3)
        customer.join(after)
        world.alive.signal(number)
        world.alive.gone()
        dead()
        world.kills.append(f"{name} {after:.2f} s after it was ready")
        outcome.kills += 1
        world.start()
        outcome.ready.append(world.ready_after[-1])
    _ended(world, customer)
    outcome.note = ", ".join(f"{outcome} {n}" for outcome, n in sorted(customer.outcomes.items()))
    return outcome


def _ended(world: World, customer: load.Customer) -> None:
    """Let what was ordered end; no more is."""
    customer.enough.set()
    customer.join(_PATIENCE)
    if customer.trouble is not None or customer.is_alive():
        raise NotReady(f"orders do not end: {customer.trouble}\n{product.tail(world.alive.log)}")
