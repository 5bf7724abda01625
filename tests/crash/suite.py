"""``scripts/crash``: every failpoint, double deaths, random kills; a table, and an exit code.

``scripts/crash judge FOLDER`` judges a failure's folder again.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import itertools
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from lab import peers
from oss_agent.testing.checker import facts, verdict
from oss_agent.testing.checker.facts import Expected, Violation
from tests.crash import load, points, power, rounds, scenarios, world
from tests.crash.points import Chain, Point
from tests.crash.rounds import Outcome
from tests.crash.scenarios import Scenario

REPEATS, KILLS, DOUBLES, TERMS, ABORTS, CUTS = 20, 1000, 200, 40, 20, 200
KILLS_A_WORLD = 30
_PATIENCE = 600.0
"""Seconds until a world must rest: longer than the timer of a device whose confirm is in doubt."""
LOOKERS = 3
"""Worlds that the scenarios are dealt to for discovery."""
LANES = 3
"""Worlds that the failpoints of the smoke are dealt to."""
_CHUNK = 12
"""Failpoints at most that a lane takes at a time: none is left alone with a long list."""
_LINES = 3
"""Of so many failpoints that an order on command lines passes too, one is died at there."""


Aim: TypeAlias = tuple[Point, int]
"""A point, and at which of its passings it is died at."""


@dataclass(slots=True)
class Run:
    """One run of the suite: where it works, what it is told, what it found."""

    place: Path
    births: world.Child
    seed: int
    deadline: float
    databases: Callable[[], str]
    lines: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    violations: list[Violation] = field(default_factory=list[Violation])
    worlds: Iterator[int] = field(default_factory=itertools.count)

    @property
    def failures(self) -> Path:
        """Where a failure leaves its folder."""
        return self.place / "failures"

    @property
    def kills(self) -> int:
        """How often it killed."""
        return sum(line.kills for line in self.lines.values())

    @property
    def over(self) -> bool:
        """Is its time up?"""
        return time.monotonic() > self.deadline

    @contextlib.contextmanager
    def opened(self, **env: str) -> Iterator[world.World]:
        """A world of its own, on a database without a row."""
        with world.opened(self._next(), self.births, store=self.databases(), env=env) as here:
            yield here

    @contextlib.contextmanager
    def powered(self, **env: str) -> Iterator[tuple[world.World, power.Disk]]:
        """A world whose data is on a disk that can be cut off: SQLite, whatever is asked for."""
        there = self._next()
        with (
            power.disk(there / "images", there / "data") as disk,
            world.opened(there, self.births, env=env) as here,
        ):
            yield here, disk

    def _next(self) -> Path:
        return self.place / f"world{next(self.worlds)}"

    def add(self, name: str, outcome: Outcome) -> None:
        """Add to a line of the table."""
        line = self.lines.setdefault(name, Outcome(name))
        line.kills += outcome.kills
        line.ready += outcome.ready
        line.note = outcome.note

    def judge(self, here: world.World, names: Sequence[str], expected: Expected) -> None:
        """Judge a world; its violations are laid at the lines that were worked on in it."""
        found = rounds.judged(
            here, self.failures, seed=self.seed, expected=expected, patience=_PATIENCE
        )
        self.violations += found
        for name in names:
            line = self.lines.setdefault(name, Outcome(name))
            line.violations = (*line.violations, *found)
        if found:
            print(f"  {len(found)} violations in {', '.join(names[:5])}: {found[0]}", flush=True)


_SOON = {"OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "15"}
"""Where a confirm may have been lost the agent waits for the device's timer, and the next death with it."""
_LATER = {"OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "60"}
"""Random deaths leave time to confirm: there no timer may ring, and the checker says when one did.

Half of it was too little where everything stands still for ten seconds and two deaths follow.
"""
_CHAINED = Expected(timers=True, reboots=True)
"""Who dies again and again before it can confirm lets that timer run out."""


def at_points(run: Run, *, repeats: int) -> None:
    """Every failpoint; repeats take other scenarios and later passings of the same point."""
    known = discovered(run)
    for repeat in range(repeats):
        for scenario, armed in _shares(_turn(known, repeat)).items():
            if run.over:
                return
            with run.opened(**_SOON) as here:
                _chain(run, here, scenario, armed, repeat)


def discovered(run: Run) -> tuple[Point, ...]:
    """What each scenario passes, looked at side by side, told in the scenarios' order."""
    found: dict[Scenario, list[Point]] = {one: [] for one in scenarios.SCENARIOS}

    def look(some: Sequence[Scenario]) -> Callable[[Run], None]:
        def act(mine: Run) -> None:
            with mine.opened(**_SOON) as here:
                for point in points.discover(here, scenarios.desk(mine.seed), some):
                    found[point.scenario].append(point)
                mine.judge(here, ["discovery"], _CHAINED)

        return act

    shares = [scenarios.SCENARIOS[number::LOOKERS] for number in range(LOOKERS)]
    side_by_side(run, [look(share) for share in shares])
    return tuple(itertools.chain.from_iterable(found.values()))


def at_points_once(run: Run) -> tuple[Point, ...]:
    """Every failpoint once, dealt to a few worlds. Returns what was discovered."""
    known = discovered(run)
    left = collections.deque(
        (scenario, armed[first : first + _CHUNK])
        for scenario, armed in _shares(_aimed(known)).items()
        for first in range(0, len(armed), _CHUNK)
    )
    side_by_side(run, [_lane(left)] * LANES)
    return known


def _aimed(known: Sequence[Point]) -> list[Aim]:
    """Each name once, in the first scenario that passes it; a part of them on command lines.

    There the second passing is aimed at: routers are gone through by name, and that one comes second.
    """
    first = points.once(known)
    lines = {point.name: point for point in known if point.scenario.name == scenarios.ON_LINES}
    both = sorted(point.name for point in first if point.name in lines)
    aimed = {name: lines[name] for name in both[::_LINES]}
    return [
        (aimed[point.name], min(2, aimed[point.name].passes)) if point.name in aimed else (point, 1)
        for point in first
    ]


def _lane(left: collections.deque[tuple[Scenario, list[str]]]) -> Callable[[Run], None]:
    """Take from what is left until nothing is."""

    def act(run: Run) -> None:
        done: list[str] = []
        with run.opened(**_SOON) as here:
            desk = scenarios.desk(run.seed)
            with contextlib.suppress(IndexError):
                while not run.over:
                    scenario, armed = left.popleft()
                    _chunk(run, here, desk, scenario, armed)
                    done += [name.partition("@")[0] for name in armed]
            run.judge(here, done, _CHAINED)

    return act


def _chunk(
    run: Run, here: world.World, desk: load.Desk, scenario: Scenario, armed: Sequence[str]
) -> None:
    for name in _survived(run, here, desk, scenario, armed):
        # Those behind a confirm in doubt wait for its timer; at rest nothing is in the way.
        for still in _survived(run, here, desk, scenario, [name]):
            _recovering(run, here, desk, still)


def side_by_side(run: Run, acts: Sequence[Callable[[Run], None]]) -> None:
    """Act at once; most of a life among kills is spent waiting."""
    with futures.ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(one, run) for one in acts]:
            done.result()


def _survived(
    run: Run, here: world.World, desk: load.Desk, scenario: Scenario, armed: Sequence[str]
) -> list[str]:
    """Die at these; those that no order came to."""
    outcomes = list(Chain(here, desk, scenario).die_at(armed))
    for outcome in outcomes:
        run.add(outcome.name.partition("@")[0], outcome)
    return [outcome.name for outcome in outcomes if not outcome.kills]


def _recovering(run: Run, here: world.World, desk: load.Desk, name: str) -> None:
    """Die at what only a recovery passes: held, decided, and nobody left who has the session."""
    name = name.partition("@")[0]
    both = ("journal.decision.after", name)
    outcome = points.double(here, desk, scenarios.SCENARIOS[0], both)
    run.add(name, Outcome(name, kills=int(outcome.kills == len(both)), note=outcome.note))
    here.rest()


def _turn(known: Sequence[Point], repeat: int) -> list[Aim]:
    """Each name once in one repeat: the scenarios that pass it take turns, and so do its passings."""
    found: list[Aim] = []
    ordered = sorted(known, key=lambda point: point.name)
    for _, group in itertools.groupby(ordered, key=lambda point: point.name):
        choices = list(group)
        point = choices[repeat % len(choices)]
        found.append((point, 1 + repeat // len(choices) % point.passes))
    return found


def _shares(aims: Sequence[Aim]) -> dict[Scenario, list[str]]:
    """Which scenario dies at which points, as they are armed.

    What only a recovery passes comes last, when there has been a death to recover from.
    """
    shares: dict[Scenario, list[str]] = {}
    for point, passing in sorted(aims, key=lambda aim: (aim[0].again, aim[0].name)):
        armed = point.name if passing == 1 else f"{point.name}@{passing}"
        shares.setdefault(point.scenario, []).append(armed)
    return shares


def _chain(
    run: Run, here: world.World, scenario: Scenario, armed: Sequence[str], repeat: int
) -> None:
    desk = scenarios.desk(run.seed + repeat)
    names = []
    for outcome in Chain(here, desk, scenario).die_at(armed):
        name = outcome.name.partition("@")[0]
        run.add(name, outcome)
        names.append(name)
    run.judge(here, names, dataclasses.replace(scenario.expected, timers=True))


def twice(run: Run, *, doubles: int) -> None:
    """Die on the way, and again while recovering from that."""
    done, chance = 0, random.Random(run.seed)  # noqa: S311  a seed, not a secret
    while done < doubles and not run.over:
        with run.opened() as here:
            for _ in range(20):
                if not run.over:
                    done += _double(run, here, chance)
            run.judge(here, [_TWICE], Expected())


_TWICE = "twice: on the way, then recovering"
_ON_THE_WAY = (
    "device.commit.before", "device.commit.after", "journal.held.after", "device.observe.after",
    "journal.decision.before", "journal.decision.after", "device.confirm.before",
    "device.confirm.after", "journal.proven.before", "device.save.after", "journal.done.after",
)  # fmt: skip
_RECOVERING = (
    "journal.take_over.after", "journal.settle.before", "journal.settle.after",
    "device.open.after", "device.probe.after", "device.cancel.before", "device.cancel.after",
    "device.confirm.before", "device.confirm.after", "device.read.after", "device.snapshot.after",
    "journal.confirming.after", "journal.proven.after", "journal.done.before",
    "journal.reverted.before", "journal.reverted.after", "device.save.after",
)  # fmt: skip


def _double(run: Run, here: world.World, chance: random.Random) -> int:
    """Return 1 when it died twice; the second point is not on the way of every recovery."""
    first, second = chance.choice(_ON_THE_WAY), chance.choice(_RECOVERING)
    desk = load.Desk(chance)
    scenario = scenarios.SCENARIOS[chance.randrange(2)]
    outcome = points.double(here, desk, scenario, (first, second))
    run.add(_TWICE, outcome)
    return int(outcome.kills == 2)


def at_random(run: Run, *, kills: int, number: int = signal.SIGKILL) -> None:
    """Kill at random moments while orders run, world after world."""
    done, name = 0, f"random {signal.Signals(number).name}"
    while done < kills and not run.over:
        with run.opened(**_LATER) as here:
            some = min(kills - done, KILLS_A_WORLD)
            outcome = rounds.random_kills(here, kills=some, seed=run.seed + done, number=number)
            run.add(name, outcome)
            run.judge(here, [name], Expected())
            done += max(outcome.kills, 1)


def power_cuts(run: Run, *, cuts: int) -> None:
    """Cut the power at random moments while orders run: what was not synced is gone."""
    done, name = 0, "power cut"
    while done < cuts and not run.over:
        with run.powered(**_LATER) as (here, disk):
            some = min(cuts - done, KILLS_A_WORLD)
            seed = run.seed + done
            outcome = rounds.random_kills(here, kills=some, seed=seed, dead=disk.cut)
            run.add(name, outcome)
            run.judge(here, [name], Expected())
            done += max(outcome.kills, 1)


def table(run: Run) -> str:
    """The table that is printed."""
    lines = [f"{'point':58} {'kills':>6} {'ready p50':>10} {'max':>7} {'violations':>11}"]
    for line in run.lines.values():
        middle = f"{statistics.median(line.ready):.2f} s" if line.ready else "-"
        longest = f"{max(line.ready):.2f} s" if line.ready else "-"
        lines.append(
            f"{line.name:58} {line.kills:>6} {middle:>10} {longest:>7} {len(line.violations):>11}"
            + (f"  {line.note}" if line.note else "")
        )
    lines.append(f"{'all':58} {run.kills:>6} {'':>10} {'':>7} {len(run.violations):>11}")
    lines += [f"not judged: {name}: {why}" for name, why in verdict.NOT_JUDGED.items()]
    return "\n".join(lines)


def judge_again(folder: Path) -> int:
    """Judge a failure's folder; 1 when there is something to say."""
    violations = verdict.judge(facts.load(folder))
    for violation in violations:
        print(violation, end="\n\n")
    print(f"{len(violations)} violations")
    return int(bool(violations))


@contextlib.contextmanager
def running(place: Path, *, seed: int, minutes: float, postgres: bool) -> Iterator[Run]:
    """A run with its nursery, and its database server where one is wanted."""
    with contextlib.ExitStack() as stack:
        databases = _postgres(stack) if postgres else str
        births = stack.enter_context(world.nursery())
        yield Run(place, births, seed, time.monotonic() + minutes * 60, databases)


def _postgres(stack: contextlib.ExitStack) -> Callable[[], str]:
    server = stack.enter_context(peers.postgres())
    numbers = itertools.count()

    def empty() -> str:
        name = f"crash{next(numbers)}"
        engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.url_of(name)

    return empty


def whole(run: Run, *, parts: Sequence[str]) -> None:
    """The parts that are asked for, in their order."""
    acts: dict[str, Callable[[], None]] = {
        "points": lambda: at_points(run, repeats=REPEATS),
        "random": lambda: at_random(run, kills=KILLS),
        "twice": lambda: twice(run, doubles=DOUBLES),
        "term": lambda: at_random(run, kills=TERMS, number=signal.SIGTERM),
        "abort": lambda: at_random(run, kills=ABORTS, number=signal.SIGABRT),
        "power": lambda: power_cuts(run, cuts=CUTS),
    }
    for part in parts or acts:
        acts[part]()


def smoke(run: Run) -> tuple[Point, ...]:
    """Each failpoint once, and beside that thirty random kills."""
    found: list[Point] = []
    side_by_side(
        run,
        [
            lambda mine: found.extend(at_points_once(mine)),
            lambda mine: at_random(mine, kills=30),
        ],
    )
    return tuple(found)


def main() -> int:
    """Run it, print the table; 1 when a law does not hold."""
    if sys.argv[1:2] == ["judge"]:
        return judge_again(Path(sys.argv[2]))
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("parts", nargs="*", help="points, random, twice, term, abort, power")
    parser.add_argument("--smoke", action="store_true", help="each failpoint once, 30 random kills")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin nothing new after this")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--place", type=Path, help="where data and failures go")
    given = parser.parse_args()
    place = given.place or Path(tempfile.mkdtemp(prefix="oss-agent-crash-"))
    print(f"seed {given.seed}, in {place}", flush=True)
    with running(place, seed=given.seed, minutes=given.minutes, postgres=given.postgres) as run:
        try:
            smoke(run) if given.smoke else whole(run, parts=given.parts)
        finally:
            print(table(run), flush=True)
    if run.violations:
        print(f"failures: {run.failures} (scripts/crash judge FOLDER)")
    if not run.kills:
        print("nothing was killed, so nothing is shown: give it more --minutes")
    return int(bool(run.violations) or not run.kills)


if __name__ == "__main__":
    sys.exit(main())
