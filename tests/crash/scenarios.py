"""What an order can meet on its way: each scenario leads past failpoints that others do not reach.

``prepare`` acts on the network before the agent that is to be killed is born, ``order`` gives the
next order to be interrupted, ``heal`` lets whatever waits go on.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from oss_agent.testing.checker.facts import Expected
from tests.crash import load, victims
from tests.crash.world import World

FALLOUT = "/api/v1/fallout"
CANCELLATIONS = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
STOPS = "/api/v1/stops"
TESTS = "/tmf-api/serviceTestManagement/v4/serviceTest"
PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
Order = Callable[[World, load.Desk], load.Body]
_A_COMMIT = 4.0
"""Seconds of a long commit: below the agent's patience for one RPC."""


def _nothing(world: World) -> None:
    """The network is as it should be."""


def _plain(world: World, desk: load.Desk) -> load.Body:
    del world
    drawn = load.add(desk) or load.end(desk)
    assert drawn is not None
    return drawn.body


def _between(a: str, z: str) -> Order:
    """An E-Line between these two, whatever it meets."""

    def order(world: World, desk: load.Desk) -> load.Body:
        del world
        ports = [next(p for p in sorted(desk.free) if p[0] == name) for name in (a, z)]
        desk.free -= set(ports)
        desk.numbered += 1
        a_end, z_end = (f"{name}:{port}" for name, port in ports)
        return load.eline(f"b{desk.numbered}-{desk.chance.randrange(10**6)}", a_end, z_end)

    return order


def _some_in_the_way(world: World, desk: load.Desk) -> load.Body:
    """Orders for the same routers; every other wants a name that somebody configured by hand."""
    body = _between("pe1", "pe2")(world, desk)
    if desk.numbered % 2 == 0:
        body["serviceOrderItem"][0]["service"]["name"] = "by-hand"
    return body


def _ending(world: World, desk: load.Desk) -> load.Body:
    """The end of a service that lives; one is made when there is none."""
    services = _living(world)
    if not services:
        order = world.send(_plain(world, desk))
        while not (services := _living(world)):
            time.sleep(0.05)
            assert world.order(order)["state"] not in {"failed", "rejected"}
    return load.termination(services[0])


def _living(world: World) -> list[str]:
    answer = world.http.get("/api/v1/services", params={"limit": 500}).raise_for_status()
    return [
        one["id"] for one in answer.json() if one["category"] == "CFS" and one["state"] == "active"
    ]


def _taken(world: World, desk: load.Desk) -> load.Body:
    """A port that is not a customer's: acknowledged, then rejected."""
    del world
    desk.numbered += 1
    return load.eline(f"t{desk.numbered}-{desk.chance.randrange(10**6)}", "pe1:eth1", "pe2:eth2")


def _let_go(world: World, desk: load.Desk) -> load.Body:
    """A person stops all writes, and lets them go again before the order comes."""
    stop = {"scope": "all", "reason": "a test"}
    world.http.post(STOPS, json=stop).raise_for_status()
    _lift(world)
    return _plain(world, desk)


def _lift(world: World) -> None:
    """Let all writes go: a death may have come between a stop and its end, and nobody else ends it."""
    with contextlib.suppress(httpx.HTTPError):
        for stop in world.http.get(STOPS).raise_for_status().json():
            world.http.delete(f"{STOPS}/{stop['id']}")


def _shown(world: World, desk: load.Desk) -> load.Body:
    """Somebody looks at the plan first, without ordering."""
    body = _plain(world, desk)
    world.http.post("/api/v1/plan", json=body).raise_for_status()
    return body


def _as_product(world: World, desk: load.Desk) -> load.Body:
    """A product is ordered and described first; its ports are no customer's: taken with its service order, then rejected."""
    desk.numbered += 1
    sites = [
        {"port": f"{edge}:eth1", "address": f"172.16.{number}.1/24"}
        for number, edge in enumerate(("pe1", "pe2"))
    ]
    product = {
        "name": f"p{desk.numbered}-{desk.chance.randrange(10**6)}",
        "productCharacteristic": [{"name": "sites", "value": sites}],
    }
    item = {"id": "1", "action": "add", "productOffering": {"id": "business-bundle"}}
    body = {"productOrderItem": [item | {"product": product}]}
    order = world.http.post(PRODUCT_ORDERS, json=body).raise_for_status().json()["id"]
    # It may be rejected by now: then the next one is quicker.
    world.http.patch(f"{PRODUCT_ORDERS}/{order}", json={"description": "a test"})
    return _plain(world, desk)


def _approve(world: World) -> None:
    """A person approves whatever waits for it, as far as the agent lives to hear it."""
    deadline = time.monotonic() + 4.0
    while time.monotonic() < deadline and not world.alive.ended(0.1):
        with contextlib.suppress(httpx.HTTPError):
            for order in world.open_orders():
                path = f"/api/v1/orders/{order}"
                for plan in world.http.get(f"{path}/plans").raise_for_status().json():
                    if plan["waits"]:
                        world.http.post(f"{path}/approve", json={"hash": plan["hash"]})


def _cancel(world: World) -> None:
    """Whoever sent them wants none of the open orders any more; one may be past its return."""
    wish = {"cancellationReason": "a test"}
    deadline = time.monotonic() + 3.0
    while not (found := world.open_orders()) and time.monotonic() < deadline:
        time.sleep(0.01)  # it is on its way
    with contextlib.suppress(httpx.HTTPError):
        for order in found:
            world.http.post(CANCELLATIONS, json=wish | {"serviceOrder": {"id": order}})


def _change_mind(world: World) -> None:
    """Whoever sent them holds the open orders, wants another bandwidth, and lets them go on."""
    deadline = time.monotonic() + 3.0
    while not (found := world.open_orders()) and time.monotonic() < deadline:
        time.sleep(0.01)  # it is on its way
    with contextlib.suppress(httpx.HTTPError):
        for order in found:
            path = f"/api/v1/orders/{order}"
            world.http.post(f"{path}/hold", json={"reason": "a test"})
            world.http.patch(f"{SERVICE_ORDERS}/{order}", json=_otherwise(world, order))
            world.http.post(f"{path}/release")


def _otherwise(world: World, order: str) -> dict[str, Any]:
    """The patch that asks for another bandwidth in every item that builds something."""
    shown = world.http.get(f"{SERVICE_ORDERS}/{order}").raise_for_status().json()
    wanted = {"name": "bandwidth", "value": 1 + time.monotonic_ns() % 900}
    items: list[dict[str, Any]] = []
    for item in shown["serviceOrderItem"]:
        said = item["service"].get("serviceCharacteristic", [])
        others = [one for one in said if one["name"] != "bandwidth"]
        service = {"serviceCharacteristic": [*others, wanted]} if said else {}
        items.append({"id": item["id"], "service": service})
    return {"serviceOrderItem": items}


def _decide(world: World) -> None:
    """A person has what failed tried again once; what fails again is cancelled."""
    deadline, again = time.monotonic() + 4.0, set[str]()
    while time.monotonic() < deadline and not world.alive.ended(0.1):
        with contextlib.suppress(httpx.HTTPError):
            for one in world.http.get(FALLOUT).raise_for_status().json():
                order = one["order"]
                if order in again:
                    world.http.post(CANCELLATIONS, json={"serviceOrder": {"id": order}})
                world.http.post(f"{FALLOUT}/{order}/retry", json={})
                again.add(order)
        if again and not world.open_orders():
            return


def _crowd(world: World) -> None:
    """A router takes its time over a commit until the others stand behind it, and is quick again then."""
    _faults("pe1", commit_takes=_A_COMMIT)(world)
    behind = "SELECT count(DISTINCT transaction_id) FROM ord_lease_queue"
    world.until(lambda: world.scalar(behind) > 2 or world.alive.ended(), _A_COMMIT)
    _faults("pe1")(world)


def _test(world: World) -> None:
    """Somebody on call has a living service tested, and waits for the verdict."""
    deadline, asked = time.monotonic() + 4.0, ""
    with contextlib.suppress(httpx.HTTPError):
        while not (services := _living(world)):
            if time.monotonic() > deadline or world.alive.ended(0.05):
                return
        wish = {"name": "at night", "relatedService": {"id": services[0]}}
        answer = world.http.post(TESTS, json=wish | {"testSpecification": {"id": "eline"}})
        asked = f"{TESTS}/{answer.raise_for_status().json()['id']}"
        while world.http.get(asked).raise_for_status().json()["state"] in {
            "acknowledged",
            "inProgress",
        }:
            if time.monotonic() > deadline or world.alive.ended(0.05):
                return


def _faults(*devices: str, **knobs: Any) -> Callable[[World], None]:
    def act(world: World) -> None:
        for device in devices:
            world.network.ask(do="faults", device=device, **knobs)

    return act


def _do(word: str, device: str) -> Callable[[World], None]:
    return lambda world: world.network.ask(do=word, device=device)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One way things go. ``env``: what the victim is born with, beside its failpoints."""

    name: str
    order: Order
    prepare: Callable[[World], None] = _nothing
    heal: Callable[[World], None] = _nothing
    ends: bool = True
    """does an order end while the scenario lasts, or only once it is healed?"""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    at_once: int = 1
    """orders sent together where it is discovered: one commit may carry several"""
    stops: str = ""
    """a failpoint where the agent stands still while ``meanwhile`` acts"""
    meanwhile: Callable[[World], None] = _nothing
    """what else happens once the order is sent"""
    expected: Expected = field(default_factory=Expected)


SCENARIOS = (
    Scenario("an order that adds", _plain),
    Scenario("an order that ends a service", _ending),
    Scenario(
        "a router that refuses the commit",
        _between("pe1", "pe2"),
        _faults("pe2", refuse_commit="no"),
        _faults("pe2"),
    ),
    Scenario(
        "orders that one commit carries and a router refuses",
        _between("pe1", "pe2"),
        _faults("pe2", refuse_commit="no"),
        _faults("pe2"),
        at_once=3,
    ),
    # The first is in its commit until the others stand behind it: whoever leads them has one in the way.
    Scenario(
        "orders that cannot be planned together",
        _some_in_the_way,
        _faults("pe1", commit_takes=_A_COMMIT),
        _faults("pe1"),
        at_once=4,
        meanwhile=_crowd,
    ),
    Scenario(
        "a failure that a person decides about",
        _between("pe1", "pe2"),
        _faults("pe2", refuse_commit="no"),
        _faults("pe2"),
        meanwhile=_decide,
        env={"OSS_AGENT_ORDERS__FALLOUT": "hold"},
    ),
    Scenario("an order that is cancelled on its way", _plain, meanwhile=_cancel),
    Scenario("an order that is held, amended and released", _plain, meanwhile=_change_mind),
    Scenario("an order that cannot be", _taken),
    Scenario(
        "a router that is locked by somebody",
        _between("pe1", "pe3"),
        _faults("pe3", lock_held_by=77),
        _faults("pe3"),
        ends=False,
    ),
    Scenario(
        "a router that is away",
        _between("pe1", "pe4"),
        _do("down", "pe4"),
        _do("up", "pe4"),
        ends=False,
    ),
    Scenario(
        "a router that refuses the confirm",
        _between("pe1", "pe2"),
        _faults("pe2", refuse_confirm="not now"),
        _faults("pe2"),
        ends=False,
    ),
    Scenario(
        "a router that undid itself after the decision",
        _between("pe1", "pe2"),
        stops="journal.decision.after",
        meanwhile=_do("reboot", "pe2"),
        expected=Expected(reboots=True),
    ),
    Scenario("a service tested beside", _plain, meanwhile=_test),
    Scenario("writes stopped and let go again", _let_go, meanwhile=_lift),
    Scenario("a product ordered beside", _as_product),
    Scenario(
        "a plan that a person approves",
        _shown,
        meanwhile=_approve,
        env={"OSS_AGENT_FULFILMENT__APPROVAL": "always"},
    ),
    Scenario(
        "a fault of the agent itself",
        _between("pe3", "pe4"),
        env={victims.MUTANT: "fault_in_vote"},
        ends=False,
    ),
)


def desk(seed: int) -> load.Desk:
    """A desk for one world."""
    return load.Desk(random.Random(seed))  # noqa: S311  a seed, not a secret
