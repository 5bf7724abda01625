"""Orders to be interrupted: a seeded stream of additions, changes and terminations over free ports.

A further kind of order is one more entry of ``KINDS``: a function that draws a body, or None when
there is nothing for it to act on now.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
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
        "serviceCharacteristic": _characteristics(values),
    }
    return _order(f"add-{name}", {"id": "1", "action": "add", "service": service})


def termination(service: str) -> Body:
    """An order that ends a service (TMF641)."""
    return _order(f"end-{service}", {"id": "1", "action": "delete", "service": {"id": service}})


def modification(name: str, service: str, **values: Any) -> Body:
    """An order that changes a service's characteristics (TMF641); ``name`` is the order's own."""
    service_body = {"id": service, "serviceCharacteristic": _characteristics(values)}
    return _order(name, {"id": "1", "action": "modify", "service": service_body})


def _characteristics(values: Mapping[str, Any]) -> list[Body]:
    return [{"name": key, "value": value} for key, value in values.items()]


def _order(external: str, item: Mapping[str, Any]) -> Body:
    party = {"id": "acme", "role": "customer", "@referredType": "Organization"}
    return {"externalId": external, "relatedParty": [party], "serviceOrderItem": [item]}


def ports(devices: Iterable[str]) -> set[tuple[str, str]]:
    """Every customer's port of these."""
    return {(device, port) for device in devices for port in network.CUSTOMER_PORTS}


@dataclass(slots=True)
class Desk:
    """What can be ordered now: free ports, living services, and the chance that picks."""

    chance: random.Random
    free: set[tuple[str, str]] = field(default_factory=lambda: ports(network.EDGES))
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

    def instead(self, device: str) -> tuple[str, str] | None:
        """A free port of this device; None when it has none."""
        if not any(name == device for name, _ in self.free):
            return None
        taken = self._port(device)
        self.free.discard(taken)
        return taken

    def pick(self) -> tuple[str, list[tuple[str, str]]] | None:
        """A living service and its ports: nobody else's until its order has ended."""
        if not self.living:
            return None
        service = self.chance.choice(sorted(self.living))
        return service, self.living.pop(service)

    def name(self) -> str:
        """A name that no other order of this desk has."""
        self.numbered += 1
        return f"s{self.numbered}-{self.chance.randrange(10**6)}"

    def _port(self, device: str) -> tuple[str, str]:
        return self.chance.choice(sorted(port for port in self.free if port[0] == device))


@dataclass(frozen=True, slots=True)
class Drawn:
    """An order, the service it is about (none yet for a new one), and the ports of that service.

    ``before``: the ports that it holds if the order comes to nothing; ``after``: if it completes.
    """

    body: Body
    service: str = ""
    before: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    after: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def add(desk: Desk) -> Drawn | None:
    """A new E-Line between two routers."""
    taken = desk.take(2)
    if taken is None:
        return None
    a_end, z_end = (f"{device}:{port}" for device, port in taken)
    return Drawn(eline(desk.name(), a_end, z_end), after=taken)


def end(desk: Desk) -> Drawn | None:
    """The end of a living service."""
    if (picked := desk.pick()) is None:
        return None
    service, ports = picked
    return Drawn(termination(service), service, before=ports)


def widen(desk: Desk) -> Drawn | None:
    """Another bandwidth for a living service."""
    if (picked := desk.pick()) is None:
        return None
    service, ports = picked
    body = modification(desk.name(), service, bandwidth=desk.chance.randrange(1, 1000))
    return Drawn(body, service, before=ports, after=ports)


def move(desk: Desk) -> Drawn | None:
    """Another port, on the same router, for the first end of a living service."""
    if (picked := desk.pick()) is None:
        return None
    service, ports = picked
    port = desk.instead(ports[0][0])
    if port is None:
        desk.living[service] = ports
        return None
    body = modification(desk.name(), service, aEnd=f"{port[0]}:{port[1]}")
    return Drawn(body, service, before=ports, after=[port, *ports[1:]])


AT_ONCE = 10
"""Orders of a customer that are open at a time."""
KINDS: Mapping[Callable[[Desk], Drawn | None], int] = {add: 2, end: 2, widen: 3, move: 3}
"""The kinds of order and their weights."""


def draw(desk: Desk) -> Drawn | None:
    """The next order, or None while every port is taken and nothing lives."""
    drawn = desk.chance.choices(list(KINDS), list(KINDS.values()))[0](desk)
    return drawn or next(filter(None, (kind(desk) for kind in KINDS)), None)


class Customer(threading.Thread):
    """Sends so many orders, at most ``at_once`` open, through every death of the agent.

    Fewer at once than there are orders: the first can only be additions, for nothing lives yet.
    """

    def __init__(self, world: World, desk: Desk, orders: int, *, at_once: int = AT_ONCE) -> None:
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
        outcome = f"{drawn.body['serviceOrderItem'][0]['action']} {state}"
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        holds = drawn.after if state == "completed" else drawn.before
        if holds:
            self._desk.living[drawn.service or view["items"][0]["service_id"]] = holds
        self._desk.free |= {*drawn.before, *drawn.after} - set(holds)
