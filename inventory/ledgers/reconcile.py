"""Decides where the three ledgers disagree: planned, configured, observed. Pure.

Each difference is a case: what, whose, why probably, what is safe. What the inventory's looks judge
themselves (a port renamed or gone, a link, another box) is not judged again here. Whether an order is
at work on a service is not known here: who opens cases asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from inventory.rows.cases import Case
from oss_agent.spi import orders
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import ServiceState

UNCONFIGURED: Final = "service-unconfigured"
ORPHANED: Final = "configured-without-service"
PORT_ORPHANED: Final = "port-held-by-nobody"
PORT_ELSEWHERE: Final = "port-held-by-another"
PORT_UNSEEN: Final = "port-never-seen"
PORT_OFF: Final = "port-switched-off"
PORT_DOWN: Final = "port-down"
POINT_GONE: Final = "test-point-gone"
UNSEEN: Final = "device-never-seen"
KINDS: Final = (
    UNCONFIGURED,
    ORPHANED,
    PORT_ORPHANED,
    PORT_ELSEWHERE,
    PORT_UNSEEN,
    PORT_OFF,
    PORT_DOWN,
    POINT_GONE,
    UNSEEN,
)
POOL_ORPHANED: Final = "pool-value-of-nobody"
POOL_KINDS: Final = (POOL_ORPHANED,)
GRACE: Final = timedelta(hours=1)
"""A device that was just imported is looked at in its turn."""
_DOWN: Final = frozenset({"down", "lowerLayerDown"})
_DEAD: Final = frozenset({ServiceState.TERMINATED.value, ""})


@dataclass(frozen=True, slots=True)
class Serving:
    """A service of a customer, or a resource by itself, as planned; ``status`` is how it is."""

    id: str
    name: str
    state: str
    customer: str
    order: str
    status: str
    status_since: datetime
    since: datetime
    known: datetime

    @property
    def words(self) -> str:
        """Who should look at what is amiss of it."""
        return f"service {self.name} of {self.customer}, order {self.order}"


@dataclass(frozen=True, slots=True)
class Stood:
    """PLANNED: a port that a service stands on."""

    service: str
    device: str
    port: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """PLANNED: a port that a service holds."""

    service: str
    device: str
    port: str
    order: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Owned:
    """PLANNED: how many paths of a device's store a service owns, the last order, since the first."""

    service: str
    device: str
    store: str
    order: str
    paths: int
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class ReadBack:
    """CONFIGURED: something of a service was read back from a device's store."""

    service: str
    device: str
    store: str
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """OBSERVED: a port that somebody holds, as looks and polls saw it."""

    device: str
    port: str
    admin: str
    oper: str
    missing: bool
    since: datetime
    known: datetime


@dataclass(frozen=True, slots=True)
class Box:
    """A device as planned, and when it answered last; ``ports_at`` is when its ports were read.

    ``sighted`` is False where it is not known when it answered: of the past.
    """

    name: str
    tenant: str
    managed: bool
    since: datetime
    known: datetime
    sighted: bool
    last_seen: datetime | None
    ports_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class LostPoint:
    """A port that had a test point, whose far end has no address any more since then."""

    device: str
    port: str
    far: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PoolHold:
    """PLANNED: a value of a pool that an order claimed; ``service`` is the head of its key."""

    pool: str
    text: str
    service: str
    key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledgers say of some devices; ``services`` are all that any row here names, and live."""

    devices: tuple[Box, ...] = ()
    services: Mapping[str, Serving] = field(default_factory=dict[str, Serving])
    stood: tuple[Stood, ...] = ()
    claims: tuple[Claim, ...] = ()
    owned: tuple[Owned, ...] = ()
    read_back: tuple[ReadBack, ...] = ()
    seen: tuple[Seen, ...] = ()
    lost: tuple[LostPoint, ...] = ()

    def state(self, service: str) -> str:
        """TMF638's word; "" when there is no such service."""
        return self.services[service].state if service in self.services else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A case, and the service that it is about ("" when it is about none)."""

    case: Case
    service: str = ""


def differences(facts: Facts, at: datetime) -> Iterator[Difference]:
    """Everything on which the ledgers disagree, as of ``at``."""
    yield from _unconfigured(facts)
    yield from _orphaned(facts)
    yield from _claims(facts)
    yield from _held_by_another(facts)
    yield from _points(facts)
    yield from _unseen(facts, at)


def pool_differences(holds: tuple[PoolHold, ...], living: frozenset[str]) -> Iterator[Difference]:
    """Values that are held for a service that does not live."""
    for hold in holds:
        if hold.service not in living:
            case = Case(
                device="",
                subject=f"{hold.pool}:{hold.text}",
                kind=POOL_ORPHANED,
                evidence=f"{hold.key} holds it, and service {hold.service} does not live",
                text=f"{hold.text} of pool {hold.pool} is held by {hold.key} since "
                f"{_moment(hold.since)}, and there is no service {hold.service}",
                cause="an order ended without giving it back",
                action="look at the service's last order; nothing else can have the value meanwhile",
            )
            yield Difference(case, hold.service)


def _unconfigured(facts: Facts) -> Iterator[Difference]:
    """Active, and of it nothing was read back where it stands or owns something."""
    read = {(one.service, one.device) for one in facts.read_back}
    stores = {(one.service, one.device, one.store) for one in facts.read_back}
    wanted: dict[tuple[str, str, str], None] = {}
    for owned in facts.owned:
        if (owned.service, owned.device, owned.store) not in stores:
            wanted[owned.service, owned.device, owned.store] = None
    told = read | {(service, device) for service, device, _ in wanted}
    for stood in facts.stood:
        if (stood.service, stood.device) not in told:
            wanted[stood.service, stood.device, ""] = None
    for service, device, store in wanted:
        if facts.state(service) == ServiceState.ACTIVE:
            yield Difference(_nothing_there(facts.services[service], device, store), service)


def _nothing_there(service: Serving, device: str, store: str) -> Case:
    where = f"{device} ({store})" if store else device
    return Case(
        device=device,
        subject=device,
        kind=UNCONFIGURED,
        evidence=f"{service.id} has nothing on {where}",
        text=f"service {service.name} ({service.id}) is active since {_moment(service.since)}, and "
        f"nothing of it is known to be on {where}",
        cause="it was taken off by hand and that was read back, or the device was replaced",
        action="look at the device; a modify of the service configures it again",
        owner=service.words,
    )


def _orphaned(facts: Facts) -> Iterator[Difference]:
    """Configured, or owned, for a service that is not to be there."""
    read = {(one.service, one.device, one.store) for one in facts.read_back}
    for one in facts.read_back:
        state = facts.state(one.service)
        if state != ServiceState.ACTIVE:
            words = f"holds configuration of {one.service} since {_moment(one.since)}"
            yield Difference(
                _left_over(one.device, one.store, one.service, words, state, ""), one.service
            )
    for owned in facts.owned:
        here = (owned.service, owned.device, owned.store)
        if here not in read and facts.state(owned.service) in _DEAD:
            words = (
                f"has {owned.paths} paths that {owned.service} owns since {_moment(owned.since)}"
            )
            case = _left_over(owned.device, owned.store, owned.service, words, "", owned.order)
            yield Difference(case, owned.service)


def _left_over(device: str, store: str, service: str, words: str, state: str, order: str) -> Case:
    standing = "there is no such service" if state in _DEAD else f"that service is {state}"
    return Case(
        device=device,
        subject=device,
        kind=ORPHANED,
        evidence=f"{service} in {store}, {state or 'gone'}",
        text=f"{device} ({store}) {words}, and {standing}",
        cause="an order ended it without reading the device back, or somebody brought it back",
        action="look at the device: oss-agent why says which lines they are",
        owner=f"order {order}" if order else "",
    )


def _claims(facts: Facts) -> Iterator[Difference]:
    """Ports that are held, by how they are seen."""
    seen = {(one.device, one.port): one for one in facts.seen}
    boxes = {one.name: one for one in facts.devices}
    for claim in facts.claims:
        holder = facts.services.get(claim.service)
        if holder is None or holder.state in _DEAD:
            yield Difference(_held_by_nobody(claim), claim.service)
        elif holder.state == ServiceState.ACTIVE and not orders.by_itself(holder.id):
            port = seen.get((claim.device, claim.port))
            case = _seen_amiss(claim, holder, port, boxes.get(claim.device))
            if case is not None:
                yield Difference(case, holder.id)


def _held_by_nobody(claim: Claim) -> Case:
    port = f"{claim.device}:{claim.port}"
    return Case(
        device=claim.device,
        subject=port,
        kind=PORT_ORPHANED,
        evidence=f"{claim.service} of order {claim.order} holds it and does not live",
        text=f"{port} is held by {claim.service} since {_moment(claim.since)}, and there is no such "
        "service",
        cause="its order ended without giving the port back",
        action=f"look at order {claim.order}; nobody else can have the port meanwhile",
        owner=f"order {claim.order}",
    )


def _seen_amiss(claim: Claim, holder: Serving, port: Seen | None, box: Box | None) -> Case | None:
    """How a held port is not as its service needs it; None when it is, or when looks say so."""
    if port is None:
        read_at = None if box is None else box.ports_at
        late = read_at is not None and read_at > claim.since
        return _port_case(claim, holder, PORT_UNSEEN, "no look ever saw it") if late else None
    if port.missing:
        return None  # the look that missed it has its own case
    if port.admin == "down":
        words = f"it is switched off since {_moment(port.since)}"
        return _port_case(claim, holder, PORT_OFF, words)
    if port.oper in _DOWN:
        words = f"it is {port.oper} since {_moment(port.since)}"
        return _port_case(claim, holder, PORT_DOWN, words)
    return None


_PORT_CAUSES: Final = {
    PORT_UNSEEN: "the port has another name on the device, or the file names one that is not there",
    PORT_OFF: "somebody switched it off by hand",
    PORT_DOWN: "the cable is out, or the customer's equipment is off",
}
_PORT_ACTIONS: Final = {
    PORT_UNSEEN: "compare the device's ports with the service's; move the service if it is wrong",
    PORT_OFF: "ask who did it; switch it on again, or suspend the service",
    PORT_DOWN: "look at the cable and at what is behind it; it ends by itself",
}


def _port_case(claim: Claim, holder: Serving, kind: str, words: str) -> Case:
    port = f"{claim.device}:{claim.port}"
    return Case(
        device=claim.device,
        subject=port,
        kind=kind,
        evidence=f"{holder.id} stands on it",
        text=f"service {holder.name} ({holder.id}) is active on {port}, and {words}",
        cause=_PORT_CAUSES[kind],
        action=_PORT_ACTIONS[kind],
        owner=holder.words,
    )


def _held_by_another(facts: Facts) -> Iterator[Difference]:
    """An active service on a port that another one holds."""
    holders = {(one.device, one.port): one.service for one in facts.claims}
    for stood in facts.stood:
        other = holders.get((stood.device, stood.port), stood.service)
        if other == stood.service or facts.state(stood.service) != ServiceState.ACTIVE:
            continue
        service, port = facts.services[stood.service], f"{stood.device}:{stood.port}"
        case = Case(
            device=stood.device,
            subject=port,
            kind=PORT_ELSEWHERE,
            evidence=f"{service.id} stands on it, {other} holds it",
            text=f"service {service.name} ({service.id}) is active on {port}, which {other} holds",
            cause="the port was renamed to one that was taken already",
            action="end one of the two services, or move it to another port",
            owner=service.words,
        )
        yield Difference(case, service.id)


def _points(facts: Facts) -> Iterator[Difference]:
    """Services that cannot be proven any more as they were."""
    claims = {(one.device, one.port): one for one in facts.claims}
    for lost in facts.lost:
        claim = claims.get((lost.device, lost.port))
        holder = facts.services.get(claim.service) if claim else None
        if holder is None or holder.state != ServiceState.ACTIVE:
            continue
        port = f"{lost.device}:{lost.port}"
        case = Case(
            device=lost.device,
            subject=port,
            kind=POINT_GONE,
            evidence=f"{lost.far} has no address any more",
            text=f"{port} had a test point at {lost.far}, which has no address since "
            f"{_moment(lost.since)}: service {holder.name} is not proven by packets there",
            cause="the test point was changed, or its port is down",
            action="give its port an address again, or take the link out of the topology file",
            owner=holder.words,
        )
        yield Difference(case, holder.id)


def _unseen(facts: Facts, at: datetime) -> Iterator[Difference]:
    for box in facts.devices:
        late = box.managed and box.sighted and at - box.since > GRACE
        if late and box.last_seen is None:
            case = Case(
                device=box.name,
                subject=box.name,
                kind=UNSEEN,
                evidence="it never answered",
                text=f"{box.name} is planned since {_moment(box.since)}, and never answered"
                + (f": {box.trouble}" if box.trouble else ""),
                cause="its address or login is wrong, its key is not trusted, or it is not built yet",
                action="oss-agent discover says why; oss-agent device trust, or correct the file",
            )
            yield Difference(case)


def _moment(at: datetime) -> str:
    return f"{rfc3339(at)[:19]}Z"
