"""Kills at failpoints: which there are is found by passing them, not by a list."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from tests.crash import load, rounds, victims
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.world import SENT_WITHIN, NotReady, Victim, World

TRIES = 8
"""Times that it is waited for a death, with one more order each, before a point counts as not reached."""
_OPEN = 3
"""Orders in work at most while an agent dies again and again: more of them never get done."""
_PATIENCE = 6.0
"""Seconds at least for a death where orders stay open; then one more order is sent."""
_BIRTHS = 4.0
"""The same in births as they are in this world: six seconds are soon over where one takes five."""
_AFTER = 0.5
"""Seconds for what follows the end of an order."""
_LAST_WORDS = 30.0
"""Seconds for what is written behind the end of an order; of one that was given up nothing is."""
_SOON = 300.0
"""Seconds for what has to come: nobody waits for them on a machine that is quick."""


@dataclass(frozen=True, slots=True)
class Point:
    """A failpoint, a scenario that passes it, and how often one order passes it there.

    ``again``: it is passed only when the agent is born on what another left.
    """

    name: str
    scenario: Scenario
    passes: int
    again: bool = False


def discover(
    world: World, desk: load.Desk, scenarios: Sequence[Scenario] = SCENARIOS
) -> tuple[Point, ...]:
    """Run these scenarios once, unharmed, one after another, and see which points they pass."""
    file = world.place / "passed"
    file.touch()
    world.kill("to discover")
    world.start(env={victims.PASSED: str(file)})
    found: list[Point] = []
    for scenario in scenarios:
        first = _met(world, desk, scenario, file)
        second = _left(world, scenario, file)
        found += [
            Point(name, scenario, first[name] or second[name], again=name not in first)
            for name in sorted({*first, *second})
        ]
    return tuple(found)


def _met(world: World, desk: load.Desk, scenario: Scenario, file: Path) -> Counter[str]:
    """What the agent passes that meets the scenario: the one that lives, where it is as it must be."""
    scenario.prepare(world)
    if scenario.env or scenario.stops:
        world.kill("to discover")
        world.start(_armed(scenario), env={victims.PASSED: str(file), **scenario.env})
    os.truncate(file, 0)
    sent = list(_sendings(world, desk, scenario))
    _meanwhile(world, scenario, sent)
    for one in sent:
        one.end()
    _seen_enough(world, sent[-1].order, scenario)
    return _read(file)


def _left(world: World, scenario: Scenario, file: Path) -> Counter[str]:
    """What the next one passes, which finds all healed and what the first left."""
    scenario.heal(world)
    world.kill("discovered")
    os.truncate(file, 0)
    world.start(env={victims.PASSED: str(file)})
    world.rest()
    world.until(lambda: not world.scalar(_NOT_OVERCOME), _LAST_WORDS)
    return _read(file)


_NOT_OVERCOME = "SELECT count(*) FROM ord_transaction WHERE faults > 0"
"""That a fault is overcome is written behind the end of the order."""


def _read(file: Path) -> Counter[str]:
    return Counter(file.read_text(encoding="utf-8").split())


def once(points: Sequence[Point]) -> tuple[Point, ...]:
    """Each name once, in the first scenario that passes it."""
    first: dict[str, Point] = {}
    for point in points:
        first.setdefault(point.name, point)
    return tuple(first.values())


def _armed(scenario: Scenario, *more: str) -> str:
    stops = (f"{scenario.stops}:stop",) if scenario.stops else ()
    return ",".join((*stops, *more))


def _meanwhile(world: World, scenario: Scenario, sent: Sequence[Sending]) -> None:
    """What happens while the orders are in work; where the agent stops for it, let it go on after."""
    if not scenario.stops:
        _taken(world, sent)
        scenario.meanwhile(world)
    elif world.until(lambda: world.alive.stopped or came(world, sent), _SOON):
        _stood(world, scenario)


def _taken(world: World, sent: Sequence[Sending]) -> bool:
    """Wait until all that was sent is acknowledged, or the agent is dead; is it acknowledged?"""
    world.until(lambda: world.alive.ended() or all(one.order for one in sent), _SOON)
    return all(one.order for one in sent)


def came(world: World, sent: Sequence[Sending]) -> bool:
    """Has the agent ended, or everything that it was sent?"""
    return world.alive.ended() or (all(one.order for one in sent) and not world.open_orders())


def _stood(world: World, scenario: Scenario) -> None:
    """It stands at a failpoint: something happens, and it goes on."""
    if world.alive.stopped:
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

    def __init__(
        self, world: World, body: load.Body, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(daemon=True)
        self._world, self.body, self._headers = world, body, headers
        self.order = ""
        self.trouble: Exception | None = None
        self.start()

    def run(self) -> None:
        """Send until it is taken."""
        try:
            self.order = self._world.send(self.body, headers=self._headers)
        except Exception as trouble:  # noqa: BLE001  the main thread tells it
            self.trouble = trouble

    def end(self) -> None:
        """Wait until it was taken. NotReady when it never was."""
        self.join(SENT_WITHIN + 30)
        if self.trouble is not None or self.is_alive():
            raise NotReady(f"an order was never taken: {self.trouble}")


def _sendings(world: World, desk: load.Desk, scenario: Scenario) -> Iterator[Sending]:
    """The orders of a scenario; those that come behind the first are sent once it is at work."""
    yield Sending(world, scenario.order(world, desk), scenario.headers)
    if scenario.behind is not None:
        leased = "SELECT count(*) FROM ord_lease"
        world.until(lambda: world.scalar(leased) or world.alive.ended(), _SOON)
    for _ in range(scenario.at_once - 1):
        body = (scenario.behind or scenario.order)(world, desk)
        yield Sending(world, body, scenario.headers)


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
            # Born on what another left, it may stand where the scenario stops it before it is ready.
            if not self._world.wait_ready(lambda: _stood(self._world, self._scenario)):
                break
            outcome.ready.append(self._world.ready_after[-1])
            self._one_more()
            _meanwhile(self._world, self._scenario, self._sent)
            if self._died(victim):
                break
        if victim.ended():
            outcome.kills += 1
            self._world.kills.append(f"at {name}")
        else:
            outcome.note = f"not reached in {TRIES} tries"
        self._world.alive.kill()
        return outcome

    def _died(self, victim: Victim) -> bool:
        """Wait until it dies, or has nothing to die at any more, or another order might help."""
        patience = max(_PATIENCE, _BIRTHS * statistics.median(self._world.ready_after))
        self._world.until(lambda: came(self._world, self._sent), patience)
        return victim.ended(_AFTER)

    def _one_more(self) -> None:
        if len(self._world.open_orders()) >= _OPEN:
            return  # those are on their way to the point themselves
        with contextlib.suppress(httpx.HTTPError):  # it died while it was asked
            for one in _sendings(self._world, self._desk, self._scenario):
                self._sent.append(one)


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
    outcome.kills += _dies(world, victim, [sending])
    if outcome.kills:
        victim = world.start(f"{second}:kill", wait=False)
        outcome.kills += _dies(world, victim, [sending])
    world.alive.kill()
    world.kills.append(f"at {outcome.name}: {outcome.kills} deaths")
    world.start()
    outcome.ready.append(world.ready_after[-1])
    sending.end()
    return outcome


def _dies(world: World, victim: Victim, sent: Sequence[Sending]) -> bool:
    """Does it die on its way with these? It does not once they have ended."""
    world.wait_ready()
    world.until(lambda: came(world, sent), _SOON)
    return victim.ended(_AFTER)
