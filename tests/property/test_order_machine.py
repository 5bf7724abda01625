"""The daemon against a model: orders, cancels, broken routers, stops and restarts in any order.

Everything is real but the routers and the time (``living_agent``); what must come of it is a page of
plain rules (``order_model``). A small part of the stories runs always and is the same each time;
``OSS_AGENT_MACHINE=200x60`` tells two hundred new ones of sixty steps (docs/reliability.md).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import stateful
from hypothesis import strategies as st

from inventory.rows import history
from inventory.rows import tables as inventory_tables
from oss_agent.fulfilment.record import life_cycle, order_rows, tables
from oss_agent.outbox import tables as outbox_tables
from oss_agent.spi import clock
from oss_agent.spi.fallout import Action, Policy
from oss_agent.spi.views import ItemAction, OrderState, ServiceState, TaskState
from oss_agent.testing.checker import facts, verdict
from oss_agent.testing.simulated import content
from oss_agent.testing.simulated.faults import NONE, Faults
from tests.crash import network
from tests.property import living_agent, order_model
from tests.property.living_agent import PORTS, ROUTERS
from tests.property.order_model import Asked, Fault, Line, Seen, SeenOrder, Service, Told, Wanted

T = TypeVar("T")
pytestmark = pytest.mark.filterwarnings(
    # hypothesis believes that a strategy did it; it is the motor's own thread, between its looks
    "ignore:Do not use the `random` module"
)

VARIABLE = "OSS_AGENT_MACHINE"
SMALL = (4, 25)
"""Stories and their longest, in every run of the tests: some 30 s on a quiet machine."""
LATER = 7200.0
"""Seconds that an order for later lies ahead."""
_MAY_CHANGE = {
    OrderState.ACKNOWLEDGED,
    OrderState.IN_PROGRESS,
    OrderState.HELD,
    OrderState.PENDING,
}
FALLOUT = "/api/v1/fallout"
_ENDS = ("aEnd", "zEnd")
_LIVING = (ServiceState.ACTIVE, ServiceState.INACTIVE)
ALL_PORTS = tuple(f"{router}:{port}" for router in ROUTERS for port in PORTS)
KNOBS = {
    Fault.REFUSES: Faults(refuse_commit="no"),
    Fault.DOES_NOTHING: Faults(ok_changes_nothing=True),
}
_TURNS = 40
"""Looks until everything must have ended, once nothing is wrong any more."""


class Orders(stateful.RuleBasedStateMachine):
    """One story: a daemon, its routers, and what we know must be."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        place = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._loop, self.agent = self._stack.enter_context(living_agent.living(place))
        self.model = order_model.Model()
        self.bodies: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, Policy] = {}
        self.sender: list[dict[str, str]] = []
        self.stops: list[int] = []
        self.retried: set[tuple[str, int]] = set()
        """items that were tried once more at the end"""
        self.still: set[str] = set()
        """open orders that nothing has happened to since we looked"""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the daemon live until this is done."""
        return self._loop.run(work)

    # --- orders

    @stateful.initialize()
    def begin(self) -> None:
        """Some services live already."""
        pairs = (("pe1:eth2", "pe2:eth2"), ("pe2:eth3", "pe3:eth3"), ("pe3:eth4", "pe1:eth4"))
        for a_end, z_end in pairs:
            values: dict[str, str | int] = {"aEnd": a_end, "zEnd": z_end, "bandwidth": 20}
            self._send([(Wanted(ItemAction.ADD, "", values), "")])
        self.look(later=False)

    @stateful.rule(data=st.data())
    def order(self, data: st.DataObject) -> None:
        """Additions, changes and ends, side by side or one after another, now or later."""
        self._draw(data)

    @stateful.rule(data=st.data())
    def another(self, data: st.DataObject) -> None:
        """The same: a story is about orders first."""
        self._draw(data)

    def _draw(self, data: st.DataObject) -> None:
        wanted = data.draw(orders(self.model), label="items")
        later = data.draw(st.integers(0, 5), label="later") == 0
        known = sorted(self.model.orders)
        follows = bool(known) and data.draw(st.integers(0, 5), label="follows") == 0
        after = (data.draw(st.sampled_from(known)),) if follows else ()
        policy = data.draw(st.sampled_from([Policy.FAIL, *Policy]), label="fallout")
        self._send(wanted, self._now() + LATER if later else 0.0, after, policy)

    def _send(
        self,
        wanted: Sequence[tuple[Wanted, str]],
        start: float = 0.0,
        after: tuple[str, ...] = (),
        policy: Policy = Policy.FAIL,
    ) -> None:
        number = len(self.bodies) + 1
        wanted = [
            (dataclasses.replace(one, name=one.name or f"line-{number}-{place}"), service)
            for place, (one, service) in enumerate(wanted, start=1)
        ]
        body = self._body(f"order-{number}", wanted, start, after)
        answer = self.run(self.agent.order(body, policy))
        assert answer.status_code == 201, answer.text
        order = answer.json()
        self.bodies[order["id"]] = body
        self.policies[order["id"]] = policy
        self.sender.append({"key": body["externalId"], "order": order["id"]})
        services = {item["id"]: item["service"]["id"] for item in _flat(order)}
        taken = [(item, services[str(place)]) for place, (item, _) in enumerate(wanted, start=1)]
        self.model.take(order["id"], taken, start=start, after=after, policy=policy)

    def _body(
        self,
        external: str,
        wanted: Sequence[tuple[Wanted, str]],
        start: float,
        after: Sequence[str],
    ) -> dict[str, Any]:
        party = {"id": "acme", "role": "customer", "@referredType": "Organization"}
        items = [_item(number, *one) for number, one in enumerate(wanted, start=1)]
        nested = _nested([one for one, _ in wanted], items)
        body = {"externalId": external, "relatedParty": [party], "serviceOrderItem": nested}
        if start:
            at = self.agent.clock.now().fromtimestamp(start, self.agent.clock.now().tzinfo)
            body["requestedStartDate"] = clock.rfc3339(at)
        relation = [{"id": key, "relationshipType": "dependency"} for key in after]
        return body | ({"orderRelationship": relation} if relation else {})

    @stateful.precondition(lambda self: self.bodies)
    @stateful.rule(data=st.data(), otherwise=st.booleans())
    def again(self, data: st.DataObject, otherwise: bool) -> None:  # noqa: FBT001  (drawn by name)
        """The same request is the same order; another one by its name is refused."""
        key = data.draw(st.sampled_from(sorted(self.bodies)), label="again")
        body = self.bodies[key] | ({"description": "another"} if otherwise else {})
        answer = self.run(self.agent.order(body, self.policies[key]))
        if otherwise:
            assert answer.status_code == 409, answer.text
        else:
            assert (answer.is_success, answer.json()["id"]) == (True, key), answer.text

    @stateful.precondition(lambda self: self.bodies)
    @stateful.rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Accepted while it may still be, refused by the state's name once it has ended."""
        key = data.draw(st.sampled_from(sorted(self.bodies)), label="cancel")
        order = self.model.orders[key]
        untouched = key in self.still and not any(map(_touched, order.items))
        answer = self.run(self.agent.cancel(key))
        assert answer.status_code in {201, 409}, answer.text
        if order.state.final:
            assert (answer.status_code, order.state in answer.text) == (409, True), answer.text
        elif key in self.still and order.state is not OrderState.PENDING_CANCELLATION:
            assert answer.status_code == 201, answer.text
            order.must_cancel = untouched
        self.still.clear()

    @stateful.precondition(lambda self: self.bodies)
    @stateful.rule(data=st.data(), rate=st.integers(1, 900))
    def amend(self, data: st.DataObject, rate: int) -> None:
        """Another bandwidth for an item of an order, while that may still be."""
        key = data.draw(st.sampled_from(sorted(self.bodies)), label="amend")
        places = range(1, len(self.model.orders[key].items) + 1)
        self._say(key, data.draw(st.sampled_from(places), label="item"), rate)

    @stateful.precondition(lambda self: self.missing())
    @stateful.rule(data=st.data(), rate=st.integers(1, 900))
    def inform(self, data: st.DataObject, rate: int) -> None:
        """What was left out is said."""
        self._say(*data.draw(st.sampled_from(self.missing()), label="inform"), rate)

    def missing(self) -> list[tuple[str, int]]:
        """Items that cannot go on before more is said of them, as order and position."""
        return [
            (key, place)
            for key in sorted(self.bodies)
            for place, item in enumerate(self.model.orders[key].items, start=1)
            if item.wanted.missing and not item.state.final
        ]

    def _say(self, key: str, place: int, rate: int) -> None:
        order = self.model.orders[key]
        item = order.items[place - 1]
        if item.wanted.action in {ItemAction.DELETE, ItemAction.NO_CHANGE}:
            return
        items: list[dict[str, Any]] = [{"id": str(n + 1)} for n in range(len(order.items))]
        asked = living_agent.characteristics({**item.wanted.values, "bandwidth": rate})
        items[place - 1]["service"] = {"serviceCharacteristic": asked}
        begun = item.trouble or key not in self.still or order.state not in _MAY_CHANGE
        nested = _nested([one.wanted for one in order.items], items)
        answer = self.run(self.agent.amend(key, nested))
        assert answer.status_code in {200, 409}, answer.text
        assert answer.status_code == 200 or begun or item.state.final, answer.text
        if answer.status_code == 200:
            self.model.amend(key, place, bandwidth=rate)
        self.still.clear()

    @stateful.precondition(lambda self: self.bodies)
    @stateful.rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """An order is put on hold, or what is on hold is released."""
        key = data.draw(st.sampled_from(sorted(self.bodies)), label="hold")
        order = self.model.orders[key]
        verb = "release" if order.held else "hold"
        changeable = key in self.still and order.state in _MAY_CHANGE
        untouched = not any(map(_touched, order.items))
        answer = self.run(self.agent.ask("POST", f"/api/v1/orders/{key}/{verb}", {"reason": ""}))
        assert answer.status_code in {200, 409}, answer.text
        assert answer.status_code == 200 or not (changeable and untouched), answer.text
        if answer.status_code == 200 and order.held:
            self.model.release(key)
        elif answer.status_code == 200:
            self.model.hold(key, before=changeable and untouched)
        self.still.clear()

    # --- what a person decides about what failed

    def kept(self) -> list[tuple[str, int]]:
        """Items that are held and were so when we looked, nothing having happened since."""
        return [
            (key, place)
            for key in sorted(self.still & set(self.bodies))
            for place, item in enumerate(self.model.orders[key].items, start=1)
            if item.state is OrderState.HELD and not self.model.orders[key].held
        ]

    @stateful.precondition(lambda self: self.kept())
    @stateful.rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """It is tried again."""
        key, place = data.draw(st.sampled_from(self.kept()), label="retry")
        if self._decide(key, place, Action.RETRY):
            self.model.retry(key, place)

    @stateful.precondition(lambda self: self.kept())
    @stateful.rule(data=st.data(), rate=st.integers(1, 900), elsewhere=st.booleans())
    def repair(self, data: st.DataObject, rate: int, elsewhere: bool) -> None:  # noqa: FBT001  (drawn by name)
        """It is tried again with another bandwidth, or at another port of the router."""
        key, place = data.draw(st.sampled_from(self.kept()), label="repair")
        wanted = self.model.orders[key].items[place - 1].wanted
        values: dict[str, str | int] = {"bandwidth": rate}
        near = str(wanted.values.get("aEnd", ""))
        free = [port for port in self.model.free(ALL_PORTS) if port[:3] == near[:3]]
        if elsewhere and free:
            values = {"aEnd": data.draw(st.sampled_from(free), label="aEnd")}
        if wanted.action is not ItemAction.DELETE and self._decide(
            key, place, Action.REPAIR, characteristics=values
        ):
            self.model.repair(key, place, **values)

    @stateful.precondition(lambda self: self.kept())
    @stateful.rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        """It ends, and what comes after it goes on."""
        key, place = data.draw(st.sampled_from(self.kept()), label="skip")
        assert self._decide(key, place, Action.SKIP)
        self.model.skip(key, place)

    @stateful.precondition(lambda self: self.kept())
    @stateful.rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        """What its order had completed is undone, unless something stands in the way."""
        key, place = data.draw(st.sampled_from(self.kept()), label="roll back")
        obstacles = self.model.obstacles(key)
        if obstacles is None:
            return
        items = self.model.orders[key].items
        going = any(one.state is OrderState.IN_PROGRESS for one in items)
        done = self._decide(key, place, Action.ROLLBACK, maybe=obstacles or going)
        assert not (done and obstacles)
        if done:
            self.model.roll_back(key)

    def _decide(
        self, key: str, place: int, action: Action, *, maybe: bool = False, **more: Any
    ) -> bool:
        """Decide; False where that is not safe, as the list says, or (``maybe``) may be refused."""
        listed = self.run(self.agent.ask("GET", FALLOUT)).json()
        mine = [one for one in listed if (one["order"], one["item"]) == (key, str(place))]
        assert mine, f"item {place} of order {key} is held, and nobody is asked: {listed}"
        body = {"item": str(place), **more}
        answer = self.run(self.agent.ask("POST", f"{FALLOUT}/{key}/{action}", body))
        self.still.clear()
        if action not in mine[0]["actions"]:
            assert answer.status_code == 409, answer.text
            return False
        assert answer.is_success or (maybe and answer.status_code == 409), answer.text
        return answer.is_success

    # --- what goes wrong

    @stateful.rule(device=st.sampled_from(ROUTERS), fault=st.sampled_from(Fault))
    def break_(self, device: str, fault: Fault) -> None:
        """A router goes away, or begins to misbehave."""
        self.run(self._mend(device))
        self.model.break_(device, fault)
        if fault is Fault.AWAY:
            self.run(self.agent.devices[device].__aexit__(None, None, None))
            self.agent.away.add(device)
        else:
            self.agent.devices[device].faults = KNOBS[fault]
        self.still.clear()

    @stateful.precondition(lambda self: self.model.faults)
    @stateful.rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        """It comes back as it was."""
        self.run(self._mend(data.draw(st.sampled_from(sorted(self.model.faults)), label="mend")))

    async def _mend(self, device: str) -> None:
        self.model.mend(device)
        self.agent.devices[device].faults = NONE
        if device in self.agent.away:
            self.agent.away.discard(device)
            await self.agent.devices[device].__aenter__()
        self.still.clear()

    @stateful.rule(device=st.sampled_from(["", *ROUTERS]))
    def stop(self, device: str) -> None:
        """Nothing new is written, anywhere or to one router."""
        body = {"scope": "device" if device else "all", "name": device, "reason": "a story"}
        answer = self.run(self.agent.ask("POST", "/api/v1/stops", body))
        assert answer.status_code == 201, answer.text
        self.stops.append(answer.json()["id"])
        self.model.stop(frozenset({device} if device else ROUTERS))

    @stateful.precondition(lambda self: self.stops)
    @stateful.rule()
    def let_go(self) -> None:
        """Every stop is lifted."""
        for stop in set(self.stops):
            answer = self.run(self.agent.ask("DELETE", f"/api/v1/stops/{stop}"))
            assert answer.is_success, answer.text
        self.stops.clear()
        self.model.let_go()
        self.still.clear()

    @stateful.rule()
    def restart(self) -> None:
        """The daemon stops wherever it is, and starts on what it left."""
        self.run(self.agent.stop())
        self.run(self.agent.start())
        self.model.restart()
        self.still.clear()

    # --- what comes of it

    @stateful.precondition(lambda self: self.bodies)
    @stateful.rule(writes=st.integers(1, 60))
    def work(self, writes: int) -> None:
        """It gets on a little; then something else happens."""
        self.run(self.agent.work(writes))
        self.still.clear()

    @stateful.rule(later=st.booleans())
    def look(self, later: bool) -> None:  # noqa: FBT001  (drawn by name)
        """At rest everything is as the model says, a while or hours later."""
        self.run(self.agent.rest())
        if later:
            self.run(self.agent.push(LATER + 1))
        for _ in range(2):
            self.run(self.agent.push())
        self._judge()

    def _judge(self) -> None:
        seen = self.run(self._seen())
        wrong = [*self.model.judge(seen, self._now())]
        told = self.run(self._told())
        for key, order in seen.orders.items():
            wrong += order_model.gaps(key, told.get(key, ()), life_cycle.NEXT, order.state)
        assert not wrong, "\n".join(wrong)
        self.still = {key for key, one in seen.orders.items() if not one.state.final}

    def teardown(self) -> None:
        """Once nothing is wrong any more everything ends, and the judge of the kills agrees."""
        with self._stack:
            for device in list(self.model.faults):
                self.run(self._mend(device))
            if self.stops:
                self.let_go()
            for key in [key for key, order in self.model.orders.items() if order.held]:
                self.run(self.agent.ask("POST", f"/api/v1/orders/{key}/release"))
                self.model.release(key)
            self.run(self.agent.push(LATER + 1))
            for _ in range(_TURNS):
                if not any(True for _ in self.model.open_items()):
                    break
                self.look(later=False)
                self._help()
            self.look(later=False)
            assert [*self.model.open_items()] == []
            found = verdict.judge(self.run(self._facts()))
            assert not found, "\n".join(map(str, found))

    def _help(self) -> None:
        """Whatever waits for a person is told or decided, by one more attempt at first."""
        for key, place in self.missing():
            self._say(key, place, 20)
        listed = self.run(self.agent.ask("GET", FALLOUT)).json()
        for key, place, actions in ((o["order"], int(o["item"]), o["actions"]) for o in listed):
            if Action.RETRY in actions and (key, place) not in self.retried:
                self.retried.add((key, place))
                if self._decide(key, place, Action.RETRY):
                    self.model.retry(key, place)
            elif Action.SKIP in actions and self._decide(key, place, Action.SKIP):
                self.model.skip(key, place)

    # --- looking

    def _now(self) -> float:
        return self.agent.clock.now().timestamp()

    async def _seen(self) -> Seen:
        rows = self.agent.agent.ground.rows
        lines = {name: self._lines(name) for name in ROUTERS}
        return await rows.read(lambda c: _seen(c, lines))

    def _lines(self, router: str) -> dict[str, Line]:
        running = self.agent.devices[router].datastores.running
        found: dict[str, Line] = {}
        services = running.get(("services", ()))
        if not isinstance(services, Mapping):
            return found
        for (kind, keys), one in services.items():
            if kind == "eline" and not isinstance(one, str):
                port, rate, vni = (str(one.get((leaf, ()))) for leaf in ("port", "rate", "vni"))
                found[keys[0]] = Line(port, int(rate), vni)
        return found

    async def _told(self) -> dict[str, list[Told]]:
        c = outbox_tables.EVENTS.c
        asked = outbox_tables.EVENTS.select().where(c.entity.startswith("serviceOrder:"))
        rows = await self.agent.agent.ground.rows.read(
            lambda x: x.execute(asked.order_by(c.number)).all()
        )
        found: dict[str, list[Told]] = {}
        for row in rows:
            state = OrderState(row.payload["state"])
            found.setdefault(row.entity.partition(":")[2], []).append(Told(row.id, row.kind, state))
        return found

    async def _facts(self) -> facts.Facts:
        devices = {name: _device(self.agent.devices[name]) for name in ROUTERS}
        return facts.Facts(
            tables=self.agent.rows(),
            devices=devices,
            sender=tuple(self.sender),
            needs={one.id: tuple(one.pools) for one in self.agent.specifications()},
            expected=facts.Expected(timers=True),
        )


def orders(model: order_model.Model) -> st.SearchStrategy[list[tuple[Wanted, str]]]:
    """One to four items, no two about one service, each with the service it is about."""
    return st.integers(1, 4).flatmap(lambda n: _items(model, n))


@st.composite
def _items(draw: st.DrawFn, model: order_model.Model, count: int) -> list[tuple[Wanted, str]]:
    idle, free = model.idle_services(), model.free(ALL_PORTS)
    made: list[tuple[Wanted, str]] = []
    for place in range(1, count + 1):
        action = draw(st.sampled_from(_KINDS if idle else [ItemAction.ADD]))
        service = ""
        if action is not ItemAction.ADD:
            service = idle.pop(draw(st.integers(0, len(idle) - 1)))
        about = draw(_wanted(model, free, action, service))
        parents = [one.parent for one, _ in made]
        made.append((dataclasses.replace(about, **draw(_turn(model, place, parents))), service))
    return made


_KINDS = [
    *(ItemAction.ADD, ItemAction.ADD, ItemAction.MODIFY, ItemAction.MODIFY),
    *(ItemAction.DELETE, ItemAction.NO_CHANGE),
]


@st.composite
def _turn(
    draw: st.DrawFn, model: order_model.Model, place: int, parents: list[int]
) -> dict[str, Any]:
    """What an item comes after, or is nested in: one before it, or one of another order."""
    how = draw(st.integers(0, 6)) if place > 1 else draw(st.sampled_from([0, 6]))
    if how in {1, 2}:
        return {"after": (draw(st.integers(1, place - 1)),)}
    if how in {3, 4}:
        parent = draw(st.sampled_from([place - 1, parents[-1] or place - 1]))
        # By default a parent comes after its children; one may say that it comes after its parent.
        return {"parent": parent, "after": (parent,) if draw(st.booleans()) else ()}
    if how == 6 and model.orders:
        key = draw(st.sampled_from(sorted(model.orders)))
        return {"others": ((key, draw(st.integers(1, len(model.orders[key].items)))),)}
    return {}


@st.composite
def _wanted(
    draw: st.DrawFn,
    model: order_model.Model,
    free: list[str],
    action: ItemAction,
    service: str,
) -> Wanted:
    if action in {ItemAction.DELETE, ItemAction.NO_CHANGE}:
        return Wanted(action, "", {})
    rate: dict[str, str | int] = {"bandwidth": draw(st.integers(1, 900))}
    if action is ItemAction.ADD:
        a_end = draw(_port(free, ALL_PORTS))
        z_end = draw(_port(free, [one for one in ALL_PORTS if one[:3] != a_end[:3]]))
        later = draw(st.integers(0, 5)) == 0
        said = rate if not later or draw(st.booleans()) else {}
        return Wanted(action, "", {"aEnd": a_end, "zEnd": z_end} | said, later=later)
    was = model.services[service]
    suspended = draw(st.sampled_from([None, None, not was.suspended, was.suspended]))
    if suspended is not None and draw(st.booleans()):
        return Wanted(action, was.name, {}, suspended=suspended)
    if draw(st.booleans()):
        return Wanted(action, was.name, rate, suspended=suspended)
    near, far = str(was.values["aEnd"]), str(was.values["zEnd"])
    others = [one for one in ALL_PORTS if one != near and one[:3] != far[:3]]
    return Wanted(action, was.name, {"aEnd": draw(_port(free, others))}, suspended=suspended)


@st.composite
def _port(draw: st.DrawFn, free: list[str], among: Sequence[str]) -> str:
    """Nearly always one that nobody has, as far as we know."""
    ours = [one for one in among if one in free]
    contested = not ours or draw(st.integers(0, 9)) == 9
    port = draw(st.sampled_from(list(among) if contested else ours))
    if port in free:
        free.remove(port)
    return port


def _touched(item: order_model.Item) -> bool:
    """May anything of it have been sent, or is it done?"""
    return item.trouble or (item.state is OrderState.COMPLETED and not item.context)


def _item(number: int, wanted: Wanted, service: str) -> dict[str, Any]:
    about: dict[str, Any] = {"id": service} if service else {"name": wanted.name}
    if wanted.action is ItemAction.ADD:
        of = living_agent.LATER if wanted.later else "eline"
        about["serviceSpecification"] = {"id": of, "version": "1.0"}
    if wanted.values:
        about["serviceCharacteristic"] = living_agent.characteristics(wanted.values)
    if wanted.suspended is not None:
        about["state"] = "inactive" if wanted.suspended else "active"
    before = [{"itemId": str(one)} for one in wanted.after]
    before += [{"itemId": str(one), "serviceOrderId": key} for key, one in wanted.others]
    relations = [{"relationshipType": "dependency", "orderItem": one} for one in before]
    item = {"id": str(number), "action": wanted.action.value, "service": about}
    return item | ({"serviceOrderItemRelationship": relations} if relations else {})


def _nested(wanted: Sequence[Wanted], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items inside their parents, which stand before them."""
    outermost: list[dict[str, Any]] = []
    for one, item in zip(wanted, items, strict=True):
        inside = items[one.parent - 1].setdefault("serviceOrderItem", []) if one.parent else None
        (outermost if inside is None else inside).append(item)
    return outermost


def _flat(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item of an order, or inside an item."""
    for item in body.get("serviceOrderItem", ()):
        yield item
        yield from _flat(item)


def _seen(connection: sa.Connection, lines: Mapping[str, Mapping[str, Line]]) -> Seen:
    services, ports = inventory_tables.services, inventory_tables.port_claims
    living = services.select().where(
        history.current(services), services.c.category == "CFS", services.c.state.in_(_LIVING)
    )
    held = ports.select().where(history.current(ports))
    return Seen(
        orders=_orders(connection),
        services={row.id: _service(row) for row in connection.execute(living)},
        ports={f"{row.device}:{row.port}": row.service for row in connection.execute(held)},
        values=_values(connection),
        lines=lines,
    )


def _service(row: sa.Row[Any]) -> Service:
    values = {name: row.characteristics.get(name) for name in (*_ENDS, "bandwidth")}
    return Service(row.name, values, row.state == ServiceState.INACTIVE)


def _orders(connection: sa.Connection) -> dict[str, SeenOrder]:
    items: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(tables.item.select().order_by(tables.item.c.position)):
        items.setdefault(row.order_id, []).append(row)
    tasks = {
        row.order_id: TaskState(row.state)
        for row in connection.execute(tables.cancel.select().order_by(tables.cancel.c.number))
    }
    rows = connection.execute(tables.order.select()).all()
    return {
        row.id: _order(row, items[row.id], tasks.get(row.id))
        for row in sorted(rows, key=lambda row: int(row.id))
    }


def _order(row: sa.Row[Any], items: Sequence[sa.Row[Any]], task: TaskState | None) -> SeenOrder:
    return SeenOrder(
        state=OrderState(row.state),
        items=[OrderState(one.state) for one in items],
        task=task,
        undone_by=row.undone_by,
        undone=frozenset(one.position for one in items if order_rows.is_undone(one.milestones)),
        asked=[_asked(one) for one in items],
    )


def _asked(row: sa.Row[Any]) -> Asked:
    """An item of an order of the daemon's own: one after another, named as what they undo."""
    said = {
        name: row.characteristics[name]
        for name in (*_ENDS, "bandwidth")
        if name in row.characteristics
    }
    after = (row.position - 1,) if row.position > 1 else ()
    wanted = Wanted(ItemAction(row.action), row.service_name, said, after)
    return Asked(wanted, row.service_id, int(row.item_id))


def _values(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    """The pool values that are held, by the service they are held for."""
    pool = inventory_tables.pool_claims
    held = pool.select().where(history.current(pool), pool.c.released_at.is_(None))
    holders = {row.key: row.service_id for row in connection.execute(tables.claim.select())}
    found: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(held):
        service = holders.get(row.key, "nobody")
        found[service] = (*found.get(service, ()), str(row.value))
    return found


def _device(device: Any) -> facts.Device:
    schema, running = device.datastores.schema.children, device.datastores.running
    return facts.Device(
        log=[{"number": e.number, "at": e.at, "session": e.session, "kind": e.kind,
              "digest": e.digest, "detail": e.detail} for e in device.history],
        running=sorted(network.lines(schema, content.prune(running))),
        pending=device.pending,
    )  # fmt: skip


def _settings() -> hypothesis.settings:
    stories = os.environ.get(VARIABLE, "")
    bounds: dict[str, Any] = {
        "deadline": None,
        "suppress_health_check": list(hypothesis.HealthCheck),
        # The daemon is quick or slow as it likes, so a shorter story need not fail as the long one did.
        "phases": [hypothesis.Phase.generate],
        "report_multiple_bugs": False,
    }
    if stories:
        count, _, steps = stories.partition("x")
        return hypothesis.settings(
            max_examples=int(count),
            stateful_step_count=int(steps or 40),
            print_blob=True,
            **bounds,
        )
    return hypothesis.settings(
        max_examples=SMALL[0],
        stateful_step_count=SMALL[1],
        derandomize=True,
        database=None,
        **bounds,
    )


TestOrders = Orders.TestCase
TestOrders.settings = _settings()
