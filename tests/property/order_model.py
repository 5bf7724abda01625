"""What orders must come to, said in a page: no rows, no phases, no clock. Pure.

The daemon works at its own pace, so the model knows bounds: what may become of an item is what its
story leaves open, and where the story leaves no choice that is one state. What has ended, and what
stands on the network because of it, is known exactly.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from oss_agent.spi.fallout import Policy
from oss_agent.spi.views import ItemAction, OrderState, TaskState

_OPEN = frozenset(
    {OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS, OrderState.PENDING, OrderState.HELD}
)
_RESTS = frozenset({OrderState.PENDING, OrderState.HELD})
"""Open, and holding no router."""
_INTERRUPTIONS = 3
"""So many restarts may fail what they cut each time."""
_ENDS = ("aEnd", "zEnd")


class Fault(StrEnum):
    """What may be wrong with a router."""

    AWAY = "away"
    REFUSES = "refuses every commit"
    DOES_NOTHING = "says ok and changes nothing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item as it is ordered; places are positions in its order, from 1, a parent's before its own.

    ``others`` are the items of other orders that it comes after, as order and position.
    """

    action: ItemAction
    name: str
    values: Mapping[str, str | int]
    after: tuple[int, ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    parent: int = 0
    suspended: bool | None = None
    """what a change says of it: suspend it, resume it, or (None) neither"""
    later: bool = False
    """may its bandwidth be said later?"""

    @property
    def missing(self) -> bool:
        """Does it say too little yet to be built?"""
        return self.later and "bandwidth" not in self.values


@dataclass(frozen=True, slots=True)
class Asked:
    """An item of an order that nobody sent: what it wants, of which service, undoing which place."""

    wanted: Wanted
    service: str
    place: int


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as it is: its state, its items' states, its last cancel task, and what undoes it.

    ``undone``: positions of items that are completed and undone again. ``asked``: what it is about.
    """

    state: OrderState
    items: Sequence[OrderState]
    task: TaskState | None
    undone_by: str | None
    undone: frozenset[int]
    asked: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Service:
    """A living service."""

    name: str
    values: Mapping[str, str | int]
    suspended: bool = False

    @property
    def ports(self) -> frozenset[str]:
        """Its ports."""
        return frozenset(str(self.values[end]) for end in _ENDS)


@dataclass(frozen=True, slots=True)
class Line:
    """An E-Line on a router."""

    port: str
    rate: int
    vni: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The daemon and the network at rest."""

    orders: Mapping[str, SeenOrder]
    services: Mapping[str, Service]
    """those that are active or suspended"""
    ports: Mapping[str, str]
    """port -> service"""
    values: Mapping[str, tuple[str, ...]]
    """pool values by service"""
    lines: Mapping[str, Mapping[str, Line]]
    """router -> service name -> what is there"""


@dataclass(slots=True)
class Item:
    """An item and its story so far."""

    wanted: Wanted
    service: str
    devices: frozenset[str]
    ports: frozenset[str]
    born_under: set[tuple[str, Fault]]
    """what has been wrong with its routers all its life"""
    kept: bool
    """writes to one of its routers have been stopped all its life"""
    doomed: bool = False
    """a living service that nobody touches has a port it wants"""
    rivals: bool = False
    """somebody else wanted, or had, a port it wants"""
    trouble: bool = False
    restarts: int = 0
    state: OrderState = OrderState.ACKNOWLEDGED
    waived: bool = False
    """what comes after it goes on though it failed"""
    was: Service | None = None
    """what its service was before it was completed"""
    undoes: Item | None = None
    idle: bool = False
    """there is nothing of its service on a router"""

    @property
    def context(self) -> bool:
        """Is it there to be read only?"""
        return self.wanted.action is ItemAction.NO_CHANGE

    @property
    def hopeless(self) -> bool:
        """Can it not be carried out? A change may come to nothing, which a router cannot refuse."""
        may_be_nothing = self.wanted.action is ItemAction.MODIFY or self.idle
        return bool(self.born_under) and not may_be_nothing


@dataclass(slots=True)
class Order:
    """An order: when it may begin, what it comes after, and whether its end was wanted."""

    items: list[Item]
    start: float
    after: tuple[str, ...]
    policy: Policy = Policy.FAIL
    rolled_back: bool = False
    """did a person say so?"""
    must_cancel: bool = False
    held: bool = False
    held_before: bool = False
    """was it put on hold before any of it had begun?"""
    state: OrderState = OrderState.ACKNOWLEDGED


@dataclass(slots=True)
class Model:
    """All orders, living services, faults and stops."""

    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    services: dict[str, Service] = field(default_factory=dict[str, Service])
    builders: dict[str, Item] = field(default_factory=dict[str, Item])
    """service -> the item that made it what it is"""
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    stops: set[str] = field(default_factory=set[str])
    """routers that nothing new may be written to"""
    troubled: bool = False
    """was anything wrong with a router since we looked?"""
    restarted: int = 0
    """how often since we looked"""

    # --- what is done

    def take(
        self,
        key: str,
        wanted: Sequence[tuple[Wanted, str]],
        *,
        start: float = 0.0,
        after: tuple[str, ...] = (),
        policy: Policy = Policy.FAIL,
    ) -> None:
        """An order was acknowledged: its items, each with the service's id."""
        made = [self._item(one, service) for one, service in wanted]
        self.orders[key] = Order(made, start, after, policy)
        for item in made:
            if not item.context:
                self._meet(item)

    def _item(self, wanted: Wanted, service: str) -> Item:
        item = Item(wanted, service, frozenset(), frozenset(), set(), kept=False)
        item.trouble = bool(self.faults)
        item.state = OrderState.COMPLETED if item.context else OrderState.ACKNOWLEDGED
        self._begin(item)
        return item

    def _begin(self, item: Item) -> None:
        """An attempt of it begins: which routers it is about, and what is wrong with them all along."""
        wanted, before = item.wanted.values, self.services.get(item.service)
        has = before.values if before is not None else {}
        ends = [str(of[end]) for of in (has, wanted) for end in _ENDS if end in of]
        item.devices = frozenset(end.partition(":")[0] for end in ends)
        item.ports = frozenset(str(wanted[end]) for end in _ENDS if end in wanted)
        item.born_under = {(d, f) for d, f in self.faults.items() if d in item.devices}
        item.kept = bool(item.devices & self.stops)
        item.idle = before is not None and before.suspended

    def _meet(self, item: Item) -> None:
        """Whoever else is about the ports it wants, or about a service that has one of them."""
        others = [one for one in self.open_items() if one is not item]
        busy = {one.service for one in others}
        for service, has in self.services.items():
            if service != item.service and item.ports & has.ports:
                item.rivals = True
                item.doomed |= service not in busy
        mine = self.services.get(item.service)
        for one in others:
            if one.ports & item.ports:
                one.rivals = item.rivals = True
            if mine is not None and one.ports & mine.ports:
                one.doomed = False

    def open_items(self) -> Iterator[Item]:
        """Items that had not ended when we last looked."""
        for order in self.orders.values():
            yield from (item for item in order.items if not item.state.final)

    def idle_services(self) -> list[str]:
        """Living services that no open order is about, nor can be without being asked."""
        busy = {item.service for item in self.open_items()}
        for order in self.orders.values():
            if (order.policy is Policy.ROLLBACK or order.rolled_back) and not order.state.final:
                busy.update(item.service for item in order.items)
        return sorted(set(self.services) - busy)

    def free(self, ports: Sequence[str]) -> list[str]:
        """Those of these ports that nobody has or wants, as far as we know."""
        taken = {port for service in self.services.values() for port in service.ports}
        taken.update(port for item in self.open_items() for port in item.ports)
        return [port for port in ports if port not in taken]

    def break_(self, device: str, fault: Fault) -> None:
        """A router begins to misbehave: whoever shares it, or a neighbour on it, may suffer."""
        self.faults[device] = fault
        self.troubled = True
        for item in self.open_items():
            item.trouble = True

    def mend(self, device: str) -> None:
        """It is as it should be."""
        self.faults.pop(device, None)
        for item in self.open_items():
            item.born_under = {one for one in item.born_under if one[0] != device}

    def stop(self, devices: frozenset[str]) -> None:
        """Nothing new is written to these."""
        self.stops |= devices

    def let_go(self) -> None:
        """All may be written to."""
        self.stops.clear()
        for item in self.open_items():
            item.kept = False

    def restart(self) -> None:
        """The daemon stopped and started."""
        self.restarted += 1
        for item in self.open_items():
            item.restarts += 1

    def amend(self, key: str, position: int, **values: str | int) -> None:
        """An item asks for something else from now on."""
        item = self.orders[key].items[position - 1]
        item.wanted = dataclasses.replace(item.wanted, values={**item.wanted.values, **values})

    def retry(self, key: str, position: int) -> None:
        """A new attempt of what failed and was kept."""
        self._begin(self.orders[key].items[position - 1])

    def repair(self, key: str, position: int, **values: str | int) -> None:
        """A new attempt that asks for something else."""
        self.amend(key, position, **values)
        item = self.orders[key].items[position - 1]
        self._begin(item)
        item.doomed = False
        self._meet(item)

    def skip(self, key: str, position: int) -> None:
        """What failed and was kept ends failed, and nothing waits for it any more."""
        item = self.orders[key].items[position - 1]
        item.state, item.waived = OrderState.FAILED, True

    def roll_back(self, key: str) -> None:
        """What an order completed is undone, by an order that we have yet to see."""
        self.orders[key].rolled_back = True

    def obstacles(self, key: str) -> bool | None:
        """Can an order not be rolled back? None: that depends on what is on its way."""
        done = [i for i in self.orders[key].items if i.state is OrderState.COMPLETED]
        done = [i for i in done if not i.context and not self._undone(i)]
        about = {item.service for item in done}
        if any(item.service in about for item in self.open_items()):
            return None
        return any(self._cannot_be_undone(item) for item in done)

    def _undone(self, item: Item) -> bool:
        every = (one for order in self.orders.values() for one in order.items)
        return any(one.undoes is item and one.state is OrderState.COMPLETED for one in every)

    def _cannot_be_undone(self, item: Item) -> bool:
        if item.wanted.action is ItemAction.DELETE:
            return item.was is not None and item.was.suspended
        return item.service in self.services and self.builders[item.service] is not item

    def hold(self, key: str, *, before: bool) -> None:
        """An order is kept from going on; ``before`` any of it had begun."""
        self.orders[key].held, self.orders[key].held_before = True, before

    def release(self, key: str) -> None:
        """It may go on."""
        self.orders[key].held = self.orders[key].held_before = False

    # --- what must be

    def judge(self, seen: Seen, now: float) -> Iterator[str]:
        """What is otherwise than it must be; then the model knows what has ended."""
        yield from self._adopt(seen)
        blocked = self._blocked(seen)
        for key, order in self.orders.items():
            yield from self._judge_order(key, order, seen, blocked, now)
        self._learn(seen)
        self.troubled, self.restarted = bool(self.faults), 0
        yield from self._network(seen, blocked)

    def _adopt(self, seen: Seen) -> Iterator[str]:
        """Orders that nobody sent undo what others had completed."""
        for key in [key for key in seen.orders if key not in self.orders]:
            undone = [one for one, told in seen.orders.items() if told.undone_by == key]
            origin = self.orders[undone[0]] if undone else None
            if origin is None or not (origin.rolled_back or origin.policy is Policy.ROLLBACK):
                yield f"nobody sent order {key}, and it undoes {undone}"
                continue
            asked = seen.orders[key].asked
            self.take(key, [(one.wanted, one.service) for one in asked])
            for item, one in zip(self.orders[key].items, asked, strict=True):
                item.undoes = origin.items[one.place - 1]
                item.trouble, item.restarts = self.troubled, self.restarted
                item.kept = False
                item.born_under.clear()

    def _blocked(self, seen: Seen) -> frozenset[str]:
        """Routers where work may stand still: what is away, and whatever waits with it."""
        going = [
            item
            for key, order in self.orders.items()
            for item, state in zip(order.items, seen.orders[key].items, strict=True)
            if not state.final and state not in _RESTS
        ]
        found = {
            device
            for device, fault in self.faults.items()
            if fault is Fault.AWAY
            or any(device in one.devices and not one.hopeless for one in going)
        }
        while more := {
            device for one in going if one.devices & found for device in one.devices - found
        }:
            found |= more
        return frozenset(found)

    def _judge_order(
        self, key: str, order: Order, seen: Seen, blocked: frozenset[str], now: float
    ) -> Iterator[str]:
        told = seen.orders[key]
        for position, (item, state) in enumerate(zip(order.items, told.items, strict=True), 1):
            allowed = self._allowed(order, item, seen, told, blocked, now)
            if state not in allowed:
                yield f"item {key}-{position} is {state}, of {sorted(allowed)}: {item}"
        wanted = _whole(order, told)
        if told.state not in wanted:
            yield f"order {key} is {told.state}, of {sorted(wanted)}: {told}"
        if order.must_cancel and told.state not in {
            OrderState.CANCELLED,
            OrderState.PENDING_CANCELLATION,
        }:
            yield f"order {key} had not begun when it was cancelled, and is {told.state}"
        if order.state.final and told.state is not order.state:
            yield f"order {key} had ended {order.state} and is {told.state}"
        if told.undone_by and seen.orders[told.undone_by].state is OrderState.COMPLETED:
            done = {n for n, state in enumerate(told.items, 1) if state is OrderState.COMPLETED}
            done -= {n for n, item in enumerate(order.items, 1) if item.context}
            if done ^ told.undone:
                yield f"order {key} is undone wholly, and not its items {done - told.undone}"

    def _allowed(
        self,
        order: Order,
        item: Item,
        seen: Seen,
        told: SeenOrder,
        blocked: frozenset[str],
        now: float,
    ) -> frozenset[OrderState]:
        if item.state.final:
            return frozenset({item.state})
        stuck = bool(item.devices & blocked)
        free = _kept(order, self._by_itself(order, item, seen, now, told, stuck=stuck))
        begun = told.undone_by is not None or order.rolled_back
        if begun or (order.policy is Policy.ROLLBACK and OrderState.FAILED in told.items):
            return (free - _OPEN) | _rolled_back(seen, told)
        if told.task in {TaskState.IN_PROGRESS, TaskState.DONE}:
            held = _OPEN if stuck else frozenset[OrderState]()
            return (free - _OPEN - {OrderState.COMPLETED}) | held | {OrderState.CANCELLED}
        if order.held_before:
            return (free - {OrderState.COMPLETED, OrderState.FAILED}) | _OPEN
        return free | _OPEN if order.held else free

    def _before(self, order: Order, item: Item, seen: Seen, told: SeenOrder) -> set[OrderState]:
        """The states of what it comes after: items of its order and of others, its children, orders."""
        own = [*item.wanted.after]
        place = 1 + next(n for n, one in enumerate(order.items) if one is item)
        for number, one in enumerate(order.items, start=1):
            if one.wanted.parent == place and place not in one.wanted.after:
                own.append(number)
        found = {told.items[n - 1] for n in own if not order.items[n - 1].waived}
        for key, n in item.wanted.others:
            if not self.orders[key].items[n - 1].waived:
                found.add(seen.orders[key].items[n - 1])
        return found | {seen.orders[key].state for key in order.after}

    def _by_itself(
        self, order: Order, item: Item, seen: Seen, now: float, told: SeenOrder, *, stuck: bool
    ) -> frozenset[OrderState]:
        """What may become of it if nobody cancels it, and what failed is not kept."""
        before = self._before(order, item, seen, told) - {OrderState.COMPLETED}
        if any(state.final for state in before):
            return frozenset({OrderState.CANCELLED})
        if item.wanted.missing:
            return frozenset({OrderState.PENDING})
        if before:
            return _OPEN
        if item.doomed:
            # Asked for what was missing, it had begun; what is refused before it begins is rejected.
            asked = {OrderState.FAILED} if item.wanted.later else set[OrderState]()
            return frozenset({OrderState.REJECTED, *asked})
        found: set[OrderState] = set()
        if item.rivals:
            found |= {OrderState.REJECTED, OrderState.FAILED}
        if now < order.start or item.kept:
            return frozenset(found) | _OPEN
        if item.trouble or item.restarts >= _INTERRUPTIONS:
            found.add(OrderState.FAILED)
        if stuck or item.devices & self.stops:
            found |= _OPEN
        if not item.hopeless:
            found.add(OrderState.COMPLETED)
        return frozenset(found)

    def _learn(self, seen: Seen) -> None:
        for key, order in self.orders.items():
            order.state = seen.orders[key].state
            for item, state in zip(order.items, seen.orders[key].items, strict=True):
                if state is OrderState.COMPLETED and item.state is not state:
                    self._completed(item)
                item.state = state

    def _completed(self, item: Item) -> None:
        item.was = self.services.pop(item.service, None)
        made = _made(item, item.was) if item.undoes is None else item.undoes.was
        if made is not None:
            self.services[item.service] = made
            self.builders[item.service] = item

    def _network(self, seen: Seen, blocked: frozenset[str]) -> Iterator[str]:
        if dict(seen.services) != self.services:
            yield f"living are {seen.services}, ordered was {self.services}"
        yield from self._holds(seen)
        for device, lines in seen.lines.items():
            there = {name: (line.port, line.rate) for name, line in lines.items()}
            if device not in blocked and there != self._on(device):
                yield f"{device} has {there}, ordered was {self._on(device)}"
        yield from self._tunnels(seen, blocked)

    def _holds(self, seen: Seen) -> Iterator[str]:
        """Ports and values: of living services all of theirs, and else only what is still wanted."""
        wanted = {(port, item.service) for item in self.open_items() for port in item.ports}
        about = {item.service for item in self.open_items()}
        ours = {(port, key) for key, one in self.services.items() for port in one.ports}
        held = set(seen.ports.items())
        if ours - held:
            yield f"living services lost their ports {sorted(ours - held)}"
        if held - ours - wanted:
            yield f"ports are held by nobody who wants them: {sorted(held - ours - wanted)}"
        for service in set(self.services) - set(seen.values):
            yield f"service {service} lives and has no VNI of its own"
        for service in set(seen.values) - set(self.services) - about:
            yield f"pool values {seen.values[service]} are held for {service}, which is no more"

    def _on(self, device: str) -> dict[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for one in self.services.values():
            for end in one.ports if not one.suspended else ():
                router, _, port = end.partition(":")
                if router == device:
                    found[one.name] = (port, int(one.values["bandwidth"]) * 1000)
        return found

    def _tunnels(self, seen: Seen, blocked: frozenset[str]) -> Iterator[str]:
        for key, one in self.services.items():
            routers = {port.partition(":")[0] for port in one.ports} - blocked
            vnis = {seen.lines[d][one.name].vni for d in routers if one.name in seen.lines[d]}
            if vnis - set(seen.values.get(key, ())):
                yield f"{one.name} is in tunnels {vnis}, and has {seen.values.get(key)}"


def _made(item: Item, was: Service | None) -> Service | None:
    """What an item makes of its service."""
    if item.wanted.action is ItemAction.DELETE:
        return None
    if was is None:
        return Service(item.wanted.name, dict(item.wanted.values))
    says = item.wanted.suspended
    suspended = was.suspended if says is None else says
    return Service(was.name, {**was.values, **item.wanted.values}, suspended)


def _kept(order: Order, free: frozenset[OrderState]) -> frozenset[OrderState]:
    """What failed is held where its order says so, or until its order is rolled back."""
    if OrderState.FAILED not in free or order.policy is Policy.FAIL:
        return free
    ended = {OrderState.FAILED} if order.policy is Policy.ROLLBACK else set[OrderState]()
    return (free - {OrderState.FAILED}) | ended | {OrderState.HELD}


def _rolled_back(seen: Seen, told: SeenOrder) -> frozenset[OrderState]:
    """What a rollback may leave of an open item: the one in trouble waits for the undo and ends with it."""
    ended = {OrderState.FAILED, OrderState.CANCELLED}
    if told.undone_by is None:
        return frozenset(ended)
    undo = seen.orders[told.undone_by].state
    if not undo.final:
        return frozenset({*ended, OrderState.IN_PROGRESS})
    return frozenset(ended if undo is OrderState.COMPLETED else {*ended, OrderState.HELD})


def _whole(order: Order, told: SeenOrder) -> frozenset[OrderState]:
    """What an order may be, by its items and whether its cancellation was accepted.

    Items of mere context count where there are no others; what is undone counts as failed.
    """
    states = [
        OrderState.FAILED if position in told.undone else state
        for position, (item, state) in enumerate(zip(order.items, told.items, strict=True), 1)
        if not item.context
    ]
    kinds = frozenset(states or told.items)
    accepted = told.task in {TaskState.IN_PROGRESS, TaskState.DONE}
    if accepted:
        done = all(state.final for state in kinds)
        return frozenset({OrderState.CANCELLED if done else OrderState.PENDING_CANCELLATION})
    if OrderState.IN_PROGRESS in kinds:
        return frozenset({OrderState.IN_PROGRESS})
    for rests in (OrderState.PENDING, OrderState.HELD):
        if rests in kinds:
            return frozenset({rests})
    if not all(state.final for state in kinds):
        untouched = kinds <= {OrderState.ACKNOWLEDGED, OrderState.REJECTED}
        state = OrderState.ACKNOWLEDGED if untouched else OrderState.IN_PROGRESS
        return frozenset({state})
    if len(kinds) == 1:
        return kinds
    some = OrderState.COMPLETED in kinds
    return frozenset({OrderState.PARTIAL if some else OrderState.FAILED})


@dataclass(frozen=True, slots=True)
class Told:
    """An event of an order: its id, what it is, and the state it tells."""

    id: str
    kind: str
    state: OrderState


_CREATED, _MOVED = "ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent"
_NUMBERED = {
    _CREATED,
    _MOVED,
    "ServiceOrderAttributeValueChangeEvent",
    "ServiceOrderInformationRequiredEvent",
}
"""What changes an order; milestones and jeopardy are told beside it."""
_PROMISE = "-promise-"
"""A date that moves is told by that date: nobody changed the order."""


def gaps(
    order: str,
    events: Sequence[Told],
    follows: Mapping[OrderState, frozenset[OrderState]],
    now: OrderState,
) -> Iterator[str]:
    """Where what was told of an order is no walk through its diagram from its beginning to ``now``."""
    changes = [one for one in events if one.kind in _NUMBERED and _PROMISE not in one.id]
    ids = [one.id for one in changes]
    if ids != [f"serviceOrder-{order}-{e.kind}-{e.state}-{n}" for n, e in enumerate(changes)]:
        yield f"events of order {order} are numbered {ids}"
    if len({one.id for one in events}) != len(events):
        yield f"order {order} was told something twice: {[one.id for one in events]}"
    if [one.kind for one in events].index(_CREATED) != 0:
        yield f"order {order} was told of before it came: {events[0]}"
    states = [one.state for one in events]
    if states[:1] != [OrderState.ACKNOWLEDGED] or states[-1:] != [now]:
        yield f"order {order} is {now}, and {states} were told"
    for one, two in itertools.pairwise(events):
        moved = two.kind == _MOVED
        if two.state not in (follows.get(one.state, frozenset()) if moved else {one.state}):
            yield f"order {order} went from {one.state} to {two.state} by {two.kind}"
