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

from oss_agent.spi.views import ItemAction, OrderState, TaskState

_OPEN = frozenset(
    {OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS, OrderState.PENDING, OrderState.HELD}
)
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
    """One item as it is ordered; ``after`` are positions of the same order, from 1."""

    action: ItemAction
    name: str
    values: Mapping[str, str | int]
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as it is: its state, its items' states and services, its last cancel task."""

    state: OrderState
    items: Sequence[OrderState]
    task: TaskState | None


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
    services: Mapping[str, Mapping[str, str | int]]
    """characteristics of the active ones"""
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

    @property
    def hopeless(self) -> bool:
        """Can it not be carried out? A change may come to nothing, which a router cannot refuse."""
        return bool(self.born_under) and self.wanted.action is not ItemAction.MODIFY


@dataclass(slots=True)
class Order:
    """An order: when it may begin, what it comes after, and whether its end was wanted."""

    items: list[Item]
    start: float
    after: tuple[str, ...]
    must_cancel: bool = False
    held: bool = False
    held_before: bool = False
    """was it put on hold before any of it had begun?"""
    state: OrderState = OrderState.ACKNOWLEDGED


@dataclass(slots=True)
class Model:
    """All orders, living services, faults and stops."""

    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    services: dict[str, tuple[str, dict[str, str | int]]] = field(
        default_factory=dict[str, "tuple[str, dict[str, str | int]]"]
    )
    """id -> name and characteristics"""
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    stops: set[str] = field(default_factory=set[str])
    """routers that nothing new may be written to"""

    # --- what is done

    def take(
        self,
        key: str,
        wanted: Sequence[tuple[Wanted, str]],
        *,
        start: float = 0.0,
        after: tuple[str, ...] = (),
    ) -> None:
        """An order was acknowledged: its items, each with the service's id."""
        made = [self._item(one, service) for one, service in wanted]
        self.orders[key] = Order(made, start, after)
        for item in made:
            self._meet(item)

    def _item(self, wanted: Wanted, service: str) -> Item:
        before = self.services[service][1] if service in self.services else {}
        ends = [str(of[end]) for of in (before, wanted.values) for end in _ENDS if end in of]
        devices = frozenset(end.partition(":")[0] for end in ends)
        return Item(
            wanted=wanted,
            service=service,
            devices=devices,
            ports=frozenset(str(wanted.values[end]) for end in _ENDS if end in wanted.values),
            born_under={(d, f) for d, f in self.faults.items() if d in devices},
            kept=bool(devices & self.stops),
            trouble=bool(self.faults),
        )

    def _meet(self, item: Item) -> None:
        """Whoever else is about the ports it wants, or about a service that has one of them."""
        others = [one for one in self.open_items() if one is not item]
        busy = {one.service for one in others}
        for service, (_, values) in self.services.items():
            if service != item.service and item.ports & {values[end] for end in _ENDS}:
                item.rivals = True
                item.doomed |= service not in busy
        for one in others:
            if one.ports & item.ports:
                one.rivals = item.rivals = True
            has = self.services.get(item.service, ("", {}))[1]
            if one.ports & {str(has[end]) for end in _ENDS if end in has}:
                one.doomed = False

    def open_items(self) -> Iterator[Item]:
        """Items that had not ended when we last looked."""
        for order in self.orders.values():
            yield from (item for item in order.items if not item.state.final)

    def idle_services(self) -> list[str]:
        """Living services that no open order is about."""
        busy = {item.service for item in self.open_items()}
        return sorted(set(self.services) - busy)

    def free(self, ports: Sequence[str]) -> list[str]:
        """Those of these ports that nobody has or wants, as far as we know."""
        taken = {str(values[end]) for _, values in self.services.values() for end in _ENDS}
        taken.update(port for item in self.open_items() for port in item.ports)
        return [port for port in ports if port not in taken]

    def break_(self, device: str, fault: Fault) -> None:
        """A router begins to misbehave: whoever shares it, or a neighbour on it, may suffer."""
        self.faults[device] = fault
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
        for item in self.open_items():
            item.restarts += 1

    def amend(self, key: str, position: int, **values: str | int) -> None:
        """An item asks for something else from now on."""
        item = self.orders[key].items[position - 1]
        item.wanted = dataclasses.replace(item.wanted, values={**item.wanted.values, **values})

    def hold(self, key: str, *, before: bool) -> None:
        """An order is kept from going on; ``before`` any of it had begun."""
        self.orders[key].held, self.orders[key].held_before = True, before

    def release(self, key: str) -> None:
        """It may go on."""
        self.orders[key].held = self.orders[key].held_before = False

    # --- what must be

    def judge(self, seen: Seen, now: float) -> Iterator[str]:
        """What is otherwise than it must be; then the model knows what has ended."""
        blocked = self._blocked(seen)
        for key, order in self.orders.items():
            yield from self._judge_order(key, order, seen, blocked, now)
        self._learn(seen)
        yield from self._network(seen, blocked)

    def _blocked(self, seen: Seen) -> frozenset[str]:
        """Routers where work may stand still: what is away, and whatever waits with it."""
        going = [
            item
            for key, order in self.orders.items()
            for item, state in zip(order.items, seen.orders[key].items, strict=True)
            if not state.final
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
        wanted = _whole(told)
        if told.state not in wanted:
            yield f"order {key} is {told.state}, of {sorted(wanted)}: {told}"
        if order.must_cancel and told.state not in {
            OrderState.CANCELLED,
            OrderState.PENDING_CANCELLATION,
        }:
            yield f"order {key} had not begun when it was cancelled, and is {told.state}"
        if order.state.final and told.state is not order.state:
            yield f"order {key} had ended {order.state} and is {told.state}"

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
        free = self._by_itself(order, item, seen, told, now, stuck=stuck)
        if told.task in {TaskState.IN_PROGRESS, TaskState.DONE}:
            held = _OPEN if stuck else frozenset[OrderState]()
            return (free - _OPEN - {OrderState.COMPLETED}) | held | {OrderState.CANCELLED}
        if order.held_before:
            return (free - {OrderState.COMPLETED, OrderState.FAILED}) | _OPEN
        return free | _OPEN if order.held else free

    def _by_itself(
        self, order: Order, item: Item, seen: Seen, told: SeenOrder, now: float, *, stuck: bool
    ) -> frozenset[OrderState]:
        """What may become of it if nobody cancels it."""
        before = [told.items[n - 1] for n in item.wanted.after]
        before += [seen.orders[key].state for key in order.after]
        if any(state.final and state is not OrderState.COMPLETED for state in before):
            return frozenset({OrderState.CANCELLED})
        if any(state is not OrderState.COMPLETED for state in before):
            return _OPEN
        if item.doomed:
            return frozenset({OrderState.REJECTED})
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
        if item.wanted.action is ItemAction.DELETE:
            del self.services[item.service]
            return
        name, values = self.services.get(item.service, (item.wanted.name, {}))
        self.services[item.service] = name, values | dict(item.wanted.values)

    def _network(self, seen: Seen, blocked: frozenset[str]) -> Iterator[str]:
        living = {key: values for key, (_, values) in self.services.items()}
        if {key: dict(values) for key, values in seen.services.items()} != living:
            yield f"active are {seen.services}, ordered was {living}"
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
        ours = {(str(v[end]), key) for key, (_, v) in self.services.items() for end in _ENDS}
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
        for name, values in self.services.values():
            for end in _ENDS:
                router, _, port = str(values[end]).partition(":")
                if router == device:
                    found[name] = (port, int(values["bandwidth"]) * 1000)
        return found

    def _tunnels(self, seen: Seen, blocked: frozenset[str]) -> Iterator[str]:
        for key, (name, values) in self.services.items():
            routers = {str(values[end]).partition(":")[0] for end in _ENDS} - blocked
            vnis = {seen.lines[d][name].vni for d in routers if name in seen.lines[d]}
            if vnis - set(seen.values.get(key, ())):
                yield f"{name} is in tunnels {vnis}, and has {seen.values.get(key)}"


def _whole(told: SeenOrder) -> frozenset[OrderState]:
    """What an order may be, by its items and whether its cancellation was accepted."""
    kinds = frozenset(told.items)
    accepted = told.task in {TaskState.IN_PROGRESS, TaskState.DONE}
    if accepted:
        done = all(state.final for state in kinds)
        return frozenset({OrderState.CANCELLED if done else OrderState.PENDING_CANCELLATION})
    if OrderState.IN_PROGRESS in kinds:
        return frozenset({OrderState.IN_PROGRESS})
    if not all(state.final for state in kinds):
        untouched = kinds <= {OrderState.ACKNOWLEDGED, OrderState.REJECTED}
        return frozenset({OrderState.ACKNOWLEDGED}) if untouched else _OPEN
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
_NUMBERED = {_CREATED, _MOVED, "ServiceOrderAttributeValueChangeEvent"}
"""What changes an order; milestones and jeopardy are told beside it."""


def gaps(
    order: str,
    events: Sequence[Told],
    follows: Mapping[OrderState, frozenset[OrderState]],
    now: OrderState,
) -> Iterator[str]:
    """Where what was told of an order is no walk through its diagram from its beginning to ``now``."""
    changes = [one for one in events if one.kind in _NUMBERED]
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
