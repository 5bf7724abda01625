"""Orders to be interrupted: a seeded stream of additions and terminations over free ports.

A further kind of order is one more entry of ``KINDS``: a function that draws a body, or None when
there is nothing for it to act on now.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.crash import network
from tests.crash.world import FINAL, World

Body = dict[str, Any]


def eline(name: str, a_end: str, z_end: str, bandwidth: int = 20) -> Body:
    """An order for an E-Line (TMF641)."""
    values = {"aEnd": a_end, "zEnd": z_end, "bandwidth": bandwidth}
    service = {
        "name": name,
        "serviceSpecification": {"id": "eline", "version": "1.0"},
        "serviceCharacteristic": [{"name": key, "value": value} for key, value in values.items()],
    }
    return _order(f"add-{name}", {"id": "1", "action": "add", "service": service})


def termination(service: str) -> Body:
    """An order that ends a service (TMF641)."""
    return _order(f"end-{service}", {"id": "1", "action": "delete", "service": {"id": service}})


def _order(external: str, item: Mapping[str, Any]) -> Body:
    party = {"id": "acme", "role": "customer", "@referredType": "Organization"}
    return {"externalId": external, "relatedParty": [party], "serviceOrderItem": [item]}


@dataclass(slots=True)
class Desk:
    """What can be ordered now: free ports, living services, and the chance that picks."""

    chance: random.Random
    free: set[tuple[str, str]] = field(
        default_factory=lambda: {(d, p) for d in network.EDGES for p in network.CUSTOMER_PORTS}
    )
    living: dict[str, list[tuple[str, str]]] = field(
        default_factory=dict[str, list[tuple[str, str]]]
    )
    numbered: int = 0

    def take(self, devices: int) -> list[tuple[str, str]] | None:
        """A free port on each of so many different devices; None when there are not that many."""
        names = sorted({device for device, _ in self.free})
        if len(names) < devices:
            return None
        taken = [self._port(name) for name in self.chance.sample(names, devices)]
        self.free -= set(taken)
        return taken

    def _port(self, device: str) -> tuple[str, str]:
        return self.chance.choice(sorted(port for port in self.free if port[0] == device))


@dataclass(frozen=True, slots=True)
class Drawn:
    """An order, the ports it holds if it completes, the service it ends."""

    body: Body
    takes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ends: str = ""


def add(desk: Desk) -> Drawn | None:
    """A new E-Line between two routers."""
    taken = desk.take(2)
    if taken is None:
        return None
    desk.numbered += 1
    (a, a_port), (z, z_port) = taken
    name = f"s{desk.numbered}-{desk.chance.randrange(10**6)}"
    return Drawn(eline(name, f"{a}:{a_port}", f"{z}:{z_port}"), takes=taken)


def end(desk: Desk) -> Drawn | None:
    """The end of a living service."""
    if not desk.living:
        return None
    service = desk.chance.choice(sorted(desk.living))
    return Drawn(termination(service), takes=desk.living.pop(service), ends=service)


KINDS: Mapping[Callable[[Desk], Drawn | None], int] = {add: 3, end: 2}
"""The kinds of order and their weights."""


def draw(desk: Desk) -> Drawn | None:
    """The next order, or None while every port is taken and nothing lives."""
    drawn = desk.chance.choices(list(KINDS), list(KINDS.values()))[0](desk)
    return drawn or next(filter(None, (kind(desk) for kind in KINDS)), None)


class Customer(threading.Thread):
    """Sends so many orders, at most ``at_once`` open, through every death of the agent."""

    def __init__(self, world: World, desk: Desk, orders: int, *, at_once: int = 50) -> None:
        super().__init__(name="customer", daemon=True)
        self._world = world
        self._desk = desk
        self._left = orders
        self._at_once = at_once
        self._open: dict[str, Drawn] = {}
        self.trouble: Exception | None = None
        self.outcomes: dict[str, int] = {}
        self.enough = threading.Event()

    def run(self) -> None:
        """Order and look until everything ordered has ended, or it is enough."""
        try:
            while self._wanted or self._open:
                if not self._order():
                    time.sleep(0.1)
                    self._look()
        except Exception as trouble:  # noqa: BLE001  the main thread tells it
            self.trouble = trouble

    @property
    def _wanted(self) -> bool:
        return bool(self._left) and not self.enough.is_set()

    def _order(self) -> bool:
        room = self._wanted and len(self._open) < self._at_once
        drawn = draw(self._desk) if room else None
        if drawn is None:
            return False
        self._open[self._world.send(drawn.body)] = drawn
        self._left -= 1
        return True

    def _look(self) -> None:
        for order in list(self._open):
            try:
                view = self._world.order(order)
            except httpx.HTTPError:
                return
            if view["state"] in FINAL:
                self._ended(view, self._open.pop(order))

    def _ended(self, view: Mapping[str, Any], drawn: Drawn) -> None:
        state = view["state"]
        self.outcomes[state] = self.outcomes.get(state, 0) + 1
        stands = (state == "completed") is not bool(drawn.ends)
        if stands:
            self._desk.living[drawn.ends or view["items"][0]["service_id"]] = drawn.takes
        else:
            self._desk.free |= set(drawn.takes)
