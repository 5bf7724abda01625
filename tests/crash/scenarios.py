"""What an order can meet on its way: each scenario leads past failpoints that others do not reach.

``prepare`` acts on the network before the agent that is to be killed is born, ``order`` gives the
next order to be interrupted, ``meanwhile`` is what somebody does while it is open, ``heal`` lets
whatever waits go on. A further journal write wants a scenario here that leads past it
(``test_smoke.UNREACHED``); what it needs to see it waits for, never for a span of time.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from oss_agent.spi import clock
from oss_agent.testing.checker.facts import Expected
from tests.crash import load, network, victims
from tests.crash.world import NotReady, World

FALLOUT = "/api/v1/fallout"
CANCELLATIONS = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
STOPS = "/api/v1/stops"
TESTS = "/tmf-api/serviceTestManagement/v4/serviceTest"
PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
Order = Callable[[World, load.Desk], load.Body]
ON_LINES = "an order on a router of command lines too"
_A_COMMIT = 18.0
"""Seconds of a long commit that nobody lets go; below the patience of an agent born with ``_PATIENT``."""
_PATIENT = {
    "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "20",
    "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "60",
}
_SOON = 300.0
"""Seconds for what has to come; whoever waits goes on as soon as it has."""
_TOO_SOON = timedelta(seconds=120)
"""Later than now when it arrives, and too soon for who looks 240 s ahead (mutant ``looks_often``)."""
_ALTERED, _STOCK = "altered", 4
"""Services that are changed once while somebody edits them by hand, and how many are in stock."""
_WIDTH = 20
"""Mbit/s of those that nobody has changed yet."""
_KEPT_PORTS = network.CUSTOMER_PORTS[-12:]
"""Their ports."""


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
        ports = [_first(desk, name) for name in (a, z)]
        desk.free -= set(ports)
        desk.numbered += 1
        a_end, z_end = (f"{name}:{port}" for name, port in ports)
        return load.eline(f"b{desk.numbered}-{desk.chance.randrange(10**6)}", a_end, z_end)

    return order


def _first(desk: load.Desk, device: str) -> tuple[str, str]:
    found = [port for port in sorted(desk.free) if port[0] == device]
    if not found:
        raise NotReady(f"{device} has no free port left")
    return found[0]


def _slowly(world: World, desk: load.Desk) -> load.Body:
    """An E-Line whose commit is held up by a router: there is time to say something before it is done."""
    _faults("pe1", commit_takes=_A_COMMIT)(world)
    return _between("pe1", "pe2")(world, desk)


def _in_the_way(world: World, desk: load.Desk) -> load.Body:
    """A name that somebody configured by hand, another one each time: none is refused for the last."""
    body = _between("pe1", "pe2")(world, desk)
    name = network.BY_HAND[desk.numbered % len(network.BY_HAND)]
    body["serviceOrderItem"][0]["service"]["name"] = name
    return body


def _ending(world: World, desk: load.Desk) -> load.Body:
    """The end of a service that lives; one is made when there is none."""
    services = living(world)
    if not services:
        order = world.send(_plain(world, desk))
        while not (services := living(world)):
            time.sleep(0.05)
            assert world.order(order)["state"] not in {"failed", "rejected"}
    return load.termination(services[0])


def living(world: World, named: str = "") -> list[str]:
    """Every customer's service that is active and whose name begins so, by its id."""
    answer = world.http.get("/api/v1/services", params={"limit": 500}).raise_for_status()
    return [
        one["id"]
        for one in answer.json()
        if (one["category"], one["state"]) == ("CFS", "active") and one["name"].startswith(named)
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
    """A product is ordered and described before it is rejected; then an order that can be."""
    world.until(lambda: _described(world, desk) or world.alive.ended(), _SOON)
    return _plain(world, desk)


def _described(world: World, desk: load.Desk) -> bool:
    """Order a product on ports that are no customer's, and describe it: False when it was rejected by then."""
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
    said = world.http.patch(f"{PRODUCT_ORDERS}/{order}", json={"description": "a test"})
    return said.is_success


def _while_open(world: World, act: Callable[[str], None]) -> None:
    """Act on what is open, again and again, until nothing is or the agent has ended."""
    world.until(lambda: not _acted(world, act) or world.alive.ended(), _SOON)


def _until_heard(world: World, act: Callable[[str], bool], within: float) -> None:
    """Act on what is open until one of it has taken it, nothing is open, or the agent has ended."""
    heard: list[bool] = []

    def tell(order: str) -> None:
        heard.append(act(order))

    world.until(lambda: not _acted(world, tell) or any(heard) or world.alive.ended(), within)


def _acted(world: World, act: Callable[[str], None]) -> bool:
    found = world.open_orders()
    with contextlib.suppress(httpx.HTTPError):
        for order in found:
            act(order)
    return bool(found)


def _approve(world: World) -> None:
    """A person approves whatever waits for it, as far as the agent lives to hear it."""

    def act(order: str) -> None:
        path = f"/api/v1/orders/{order}"
        for plan in world.http.get(f"{path}/plans").raise_for_status().json():
            if plan["waits"]:
                world.http.post(f"{path}/approve", json={"hash": plan["hash"]})

    _while_open(world, act)


def _cancel(world: World) -> None:
    """Whoever sent them wants none of the open orders any more; one may be past its return."""
    wish = {"cancellationReason": "a test"}

    def act(order: str) -> bool:
        return _post(world, CANCELLATIONS, wish | {"serviceOrder": {"id": order}}).is_success

    _until_heard(world, act, _A_COMMIT)
    _faults("pe1")(world)


def _change_mind(world: World) -> None:
    """Whoever sent them holds the open orders, wants another bandwidth, and lets them go on."""

    def act(order: str) -> bool:
        path = f"/api/v1/orders/{order}"
        held = _post(world, f"{path}/hold", {"reason": "a test"})
        said = world.http.patch(f"{SERVICE_ORDERS}/{order}", json=_otherwise(world, order))
        released = _post(world, f"{path}/release")
        return held.is_success and said.is_success and released.is_success

    _until_heard(world, act, _A_COMMIT)
    _faults("pe1")(world)


def _post(world: World, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
    return world.http.post(path, json=body)


def _choose(world: World) -> None:
    """An operator says what becomes of edits by hand, for an order that waits."""

    def act(order: str) -> bool:
        return _post(world, f"/api/v1/orders/{order}/policy", {"policy": "revert"}).is_success

    _until_heard(world, act, _SOON)


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
    again = set[str]()

    def act(order: str) -> None:
        if world.http.get(f"{FALLOUT}/{order}").status_code == HTTPStatus.NOT_FOUND:
            return  # it has not failed yet
        if order in again:
            _post(world, CANCELLATIONS, {"serviceOrder": {"id": order}})
        elif _post(world, f"{FALLOUT}/{order}/retry", {}).is_success:
            again.add(order)

    _while_open(world, act)


def _crowd(world: World) -> None:
    """A router takes its time over a commit until the others stand behind it, and is quick again then."""
    _faults("pe1", commit_takes=_A_COMMIT)(world)
    behind = "SELECT count(DISTINCT transaction_id) FROM ord_lease_queue"
    world.until(lambda: world.scalar(behind) > 2 or world.alive.ended(), _A_COMMIT)
    _faults("pe1")(world)


def _test(world: World) -> None:
    """Somebody on call has a living service tested, and waits for the verdict."""
    running = {"acknowledged", "inProgress"}
    with contextlib.suppress(httpx.HTTPError):
        world.until(lambda: bool(living(world)) or world.alive.ended(), _SOON)
        service = next(iter(living(world)), "")
        wish = {"name": "at night", "relatedService": {"id": service}}
        answer = _post(world, TESTS, wish | {"testSpecification": {"id": "eline"}})
        asked = f"{TESTS}/{answer.raise_for_status().json()['id']}"
        world.until(lambda: world.http.get(asked).json()["state"] not in running, _SOON)


def _late(world: World, desk: load.Desk) -> load.Body:
    """An order that its requester wants done before it can be."""
    wish = clock.rfc3339(datetime.now(UTC) + _TOO_SOON)
    return _between("pe1", "pe4")(world, desk) | {"requestedCompletionDate": wish}


def _warned(world: World) -> None:
    """Somebody waits until the agent has said of all that is open that it will be too late."""
    world.until(lambda: not world.scalar(_UNTOLD) or world.alive.ended(), _SOON)


_UNTOLD = (
    "SELECT count(*) FROM ord_transaction t WHERE t.stage <> 'closed' AND NOT EXISTS (SELECT 1"
    " FROM ord_order o WHERE o.id = t.order_id AND CAST(o.jeopardy AS TEXT) LIKE '%level%')"
)


def _to_be_altered(world: World) -> None:
    """Services live that nobody has changed: what is adopted is for the next order to change back."""
    lacking = range(_STOCK - len(_unaltered(world)))
    used = int(world.scalar(_MADE, names=f"{_ALTERED}-%"))
    for port in _KEPT_PORTS[used : used + len(lacking)]:
        world.send(load.eline(f"{_ALTERED}-{port}", f"pe1:{port}", f"pe2:{port}", _WIDTH))
    assert world.until(lambda: len(_unaltered(world)) >= _STOCK, 600)


_MADE = "SELECT count(*) FROM ord_item WHERE action = 'add' AND service_name LIKE :names"


def _unaltered(world: World) -> list[str]:
    answer = world.http.get("/api/v1/services", params={"limit": 500}).raise_for_status()
    mine = [one for one in answer.json() if one["name"].startswith(f"{_ALTERED}-")]
    active = [one for one in mine if (one["category"], one["state"]) == ("CFS", "active")]
    return [one["id"] for one in active if one["characteristics"]["bandwidth"] == _WIDTH]


def _alterable(world: World) -> list[str]:
    """Those that nobody has changed yet first; deaths may have used up all of them."""
    unaltered = _unaltered(world)
    return [*unaltered, *(one for one in living(world, f"{_ALTERED}-") if one not in unaltered)]


def _altering(world: World, desk: load.Desk) -> load.Body:
    """Another bandwidth for one of those."""
    desk.numbered += 1
    name = f"a{desk.numbered}-{desk.chance.randrange(10**6)}"
    bandwidth = _WIDTH + desk.chance.randrange(1, 900)
    return load.modification(name, _alterable(world)[0], bandwidth=bandwidth)


def _edit(world: World) -> None:
    """Somebody edits a line by hand of the service that is being changed, on one of its routers."""
    name = world.scalar(_IN_WORK)
    words = f"<name>{name}</name><description>by hand {time.monotonic_ns()}</description>"
    config = f'<services xmlns="urn:oss-agent:lab:services"><eline>{words}</eline></services>'
    world.network.ask(do="hand", device="pe2", config=config, ours=True)


_IN_WORK = (
    "SELECT i.service_name FROM ord_item i JOIN ord_transaction t ON t.order_id = i.order_id"
    " WHERE t.stage = 'running' ORDER BY t.accepted LIMIT 1"
)


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
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """of the request that sends an order"""
    at_once: int = 1
    """orders sent together where it is discovered: one commit may carry several"""
    behind: Order | None = None
    """gives the orders after the first, which are sent once that one is at work"""
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
        _between("pe1", "pe2"),
        _faults("pe1", commit_takes=_A_COMMIT),
        _faults("pe1"),
        at_once=4,
        behind=_in_the_way,
        meanwhile=_crowd,
        env=_PATIENT,
    ),
    Scenario(
        "a failure that a person decides about",
        _between("pe1", "pe2"),
        _faults("pe2", refuse_commit="no"),
        _faults("pe2"),
        meanwhile=_decide,
        env={"OSS_AGENT_ORDERS__FALLOUT": "hold"},
    ),
    Scenario(
        "an order that is cancelled on its way",
        _slowly,
        heal=_faults("pe1"),
        meanwhile=_cancel,
        env=_PATIENT,
    ),
    Scenario(
        "an order that is held, amended and released",
        _slowly,
        heal=_faults("pe1"),
        meanwhile=_change_mind,
        env=_PATIENT,
    ),
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
    Scenario(
        "a service test that a fault of the agent ends",
        _plain,
        meanwhile=_test,
        env={victims.MUTANT: "fault_in_test"},
    ),
    Scenario(
        "an order that will be too late",
        _late,
        _do("down", "pe4"),
        _do("up", "pe4"),
        ends=False,
        env={victims.MUTANT: "looks_often"},
        meanwhile=_warned,
    ),
    Scenario(
        "what becomes of edits by hand, said while an order waits",
        _between("pe1", "pe4"),
        _do("down", "pe4"),
        _do("up", "pe4"),
        ends=False,
        meanwhile=_choose,
    ),
    Scenario(
        "an edit by hand that is adopted on the way",
        _altering,
        _to_be_altered,
        headers={"Out-Of-Band": "adopt"},
        stops="journal.intent.after",
        meanwhile=_edit,
    ),
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
    Scenario(ON_LINES, _between("pe1", network.LINES)),
)


def desk(seed: int) -> load.Desk:
    """A desk for one world, with the ports of every router in it but those of ``_to_be_altered``."""
    free = load.ports((*network.EDGES, network.LINES))
    free -= {(device, port) for device in ("pe1", "pe2") for port in _KEPT_PORTS}
    return load.Desk(random.Random(seed), free)  # noqa: S311  a seed, not a secret
