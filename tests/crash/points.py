"""Kills at failpoints: which there are is found by passing them, not by a list."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from tests.crash import load, rounds, victims
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.world import NotReady, World

TRIES = 4
"""Orders that are sent past a point before it counts as not reached."""
_OPEN = 3
"""Orders in work at most while an agent dies again and again: more of them never get done."""
_PATIENCE = 6.0
"""Seconds for an order to come to the point; then the next order tries."""


@dataclass(frozen=True, slots=True)
class Point:
    """A failpoint, a scenario that passes it, and how often one order passes it there."""

    name: str
    scenario: Scenario
    passes: int


def discover(world: World, desk: load.Desk) -> tuple[Point, ...]:
    """Run every scenario once, unharmed, and see which points it passes."""
    return tuple(
        Point(name, scenario, times)
        for scenario in SCENARIOS
        for name, times in sorted(_passed(world, desk, scenario).items())
    )


def once(points: Sequence[Point]) -> tuple[Point, ...]:
    """Each name once, in the first scenario that passes it."""
    first: dict[str, Point] = {}
    for point in points:
        first.setdefault(point.name, point)
    return tuple(first.values())


def _passed(world: World, desk: load.Desk, scenario: Scenario) -> Counter[str]:
    file = world.place / "passed"
    file.unlink(missing_ok=True)
    scenario.prepare(world)
    bodies = [scenario.order(world, desk) for _ in range(scenario.at_once)]
    world.kill("to discover")
    world.start(_armed(scenario), env={victims.PASSED: str(file), **scenario.env})
    order = [world.send(body) for body in bodies][-1]
    _meanwhile(world, scenario)
    _seen_enough(world, order, scenario)
    scenario.heal(world)
    world.kill("discovered")
    world.start(env={victims.PASSED: str(file)})
    world.rest()
    return Counter(file.read_text(encoding="utf-8").split())


def _armed(scenario: Scenario, *more: str) -> str:
    stops = (f"{scenario.stops}:stop",) if scenario.stops else ()
    return ",".join((*stops, *more))


def _meanwhile(world: World, scenario: Scenario) -> None:
    """What happens while the order is in work; where the agent stops for it, let it go on after."""
    if not scenario.stops:
        scenario.meanwhile(world)
    elif world.until(lambda: world.alive.stopped or world.alive.ended(), 10):
        scenario.meanwhile(world)
        world.alive.signal(signal.SIGCONT)


def _seen_enough(world: World, order: str, scenario: Scenario) -> None:
    """Until it has ended; where it cannot end, until it waits for the second time."""
    if scenario.ends:
        world.rest()
        return
    asked = "SELECT max(tries + attempt) FROM ord_transaction WHERE order_id = :o"
    world.until(lambda: int(world.scalar(asked, o=order)) > 2)


class Sending(threading.Thread):
    """One order on its way, through every death of the agent."""

    def __init__(self, world: World, body: load.Body) -> None:
        super().__init__(daemon=True)
        self._world, self.body = world, body
        self.order = ""
        self.trouble: Exception | None = None
        self.start()

    def run(self) -> None:
        """Send until it is taken."""
        try:
            self.order = self._world.send(self.body)
        except Exception as trouble:  # noqa: BLE001  the main thread tells it
            self.trouble = trouble

    def end(self) -> None:
        """Wait until it was taken. NotReady when it never was."""
        self.join(60)
        if self.trouble is not None or self.is_alive():
            raise NotReady(f"an order was never taken: {self.trouble}")


class Chain:
    """Deaths in a row in one scenario: the recovery from one is the way to the next."""

    def __init__(self, world: World, desk: load.Desk, scenario: Scenario) -> None:
        self._world = world
        self._desk = desk
        self._scenario = scenario
        self._sent: list[Sending] = []

    def die_at(self, armed: Sequence[str]) -> Iterator[rounds.Outcome]:
        """Be killed at each of these (``NAME`` or ``NAME@N``); what came of each, as it comes."""
        self._scenario.prepare(self._world)
        self._world.kill("to be born armed")
        for name in armed:
            yield self._die(name)
        self._scenario.heal(self._world)
        self._world.kill("healed")
        self._world.start()
        for one in self._sent:
            one.end()
        if not self._scenario.stops:
            self._scenario.meanwhile(self._world)
        self._world.rest()

    def _die(self, name: str) -> rounds.Outcome:
        outcome = rounds.Outcome(name)
        victim = self._world.start(
            _armed(self._scenario, f"{name}:kill"), wait=False, env=self._scenario.env
        )
        for _ in range(TRIES):
            if not self._world.wait_ready():
                break
            outcome.ready.append(self._world.ready_after[-1])
            self._one_more()
            _meanwhile(self._world, self._scenario)
            if victim.ended(_PATIENCE):
                break
        if victim.ended():
            outcome.kills += 1
            self._world.kills.append(f"at {name}")
        else:
            outcome.note = f"not reached by {TRIES} orders"
        self._world.alive.kill()
        return outcome

    def _one_more(self) -> None:
        if len(self._world.open_orders()) >= _OPEN:
            return  # those are on their way to the point themselves
        with contextlib.suppress(httpx.HTTPError):  # it died while it was asked
            for _ in range(self._scenario.at_once):
                body = self._scenario.order(self._world, self._desk)
                self._sent.append(Sending(self._world, body))


def double(
    world: World, desk: load.Desk, scenario: Scenario, names: tuple[str, str]
) -> rounds.Outcome:
    """Die at the first point, and at the second one while recovering; then live."""
    first, second = names
    outcome = rounds.Outcome(f"{first} then {second}")
    body = scenario.order(world, desk)
    world.kill("to be born armed")
    victim = world.start(f"{first}:kill", wait=False)
    sending = Sending(world, body)
    world.wait_ready()  # it may die before: on a busy machine its birth alone takes all the patience
    if victim.ended(_PATIENCE):
        outcome.kills += 1
        victim = world.start(f"{second}:kill", wait=False)
        world.wait_ready()
        outcome.kills += victim.ended(_PATIENCE / 2)
    world.alive.kill()
    world.kills.append(f"at {outcome.name}: {outcome.kills} deaths")
    world.start()
    outcome.ready.append(world.ready_after[-1])
    sending.end()
    return outcome
