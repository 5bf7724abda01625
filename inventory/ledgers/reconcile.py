"""Decides where the three ledgers disagree: planned, configured, observed. Pure.

Each difference is a case: what, whose, why probably, what is safe. What the inventory's looks judge
themselves (a port renamed or gone, a link, another box) is not judged again here. Whether an order is
at work on a service is not known here: who opens cases asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from inventory.ledgers import compared, port_differences
from inventory.rows.cases import Case
from oss_agent.spi.views import ServiceState

UNCONFIGURED: Final = "service-unconfigured"
ORPHANED: Final = "configured-without-service"
UNSEEN: Final = "device-never-seen"
KINDS: Final = (UNCONFIGURED, ORPHANED, *port_differences.KINDS, UNSEEN)
POOL_ORPHANED: Final = "pool-value-of-nobody"
POOL_KINDS: Final = (POOL_ORPHANED,)
GRACE: Final = timedelta(hours=1)
"""A device that was just imported is looked at in its turn."""


def differences(facts: compared.Facts, at: datetime) -> Iterator[compared.Difference]:
    """Everything on which the ledgers disagree, as of ``at``."""
    yield from _unconfigured(facts)
    yield from _orphaned(facts)
    yield from port_differences.differences(facts)
    yield from _unseen(facts, at)


def pool_differences(
    holds: tuple[compared.PoolHold, ...], living: frozenset[str]
) -> Iterator[compared.Difference]:
    """Values that are held for a service that does not live."""
    for hold in holds:
        if hold.service not in living:
            case = Case(
                device="",
                subject=f"{hold.pool}:{hold.text}",
                kind=POOL_ORPHANED,
                evidence=f"{hold.key} holds it, and service {hold.service} does not live",
                text=f"{hold.text} of pool {hold.pool} is held by {hold.key} since "
                f"{compared.moment(hold.since)}, and there is no service {hold.service}",
                cause="an order ended without giving it back",
                action="look at the service's last order; nothing else can have the value meanwhile",
            )
            yield compared.Difference(case, hold.service)


def _unconfigured(facts: compared.Facts) -> Iterator[compared.Difference]:
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
            yield compared.Difference(
                _nothing_there(facts.services[service], device, store), service
            )


def _nothing_there(service: compared.Serving, device: str, store: str) -> Case:
    where = f"{device} ({store})" if store else device
    return Case(
        device=device,
        subject=device,
        kind=UNCONFIGURED,
        evidence=f"{service.id} has nothing on {where}",
        text=f"service {service.name} ({service.id}) is active since {compared.moment(service.since)}, and "
        f"nothing of it is known to be on {where}",
        cause="it was taken off by hand and that was read back, or the device was replaced",
        action="look at the device; a modify of the service configures it again",
        owner=service.words,
    )


def _orphaned(facts: compared.Facts) -> Iterator[compared.Difference]:
    """Configured, or owned, for a service that is not to be there."""
    read = {(one.service, one.device, one.store) for one in facts.read_back}
    for one in facts.read_back:
        state = facts.state(one.service)
        if state != ServiceState.ACTIVE:
            words = f"holds configuration of {one.service} since {compared.moment(one.since)}"
            yield compared.Difference(
                _left_over(one.device, one.store, one.service, words, state, ""), one.service
            )
    for owned in facts.owned:
        here = (owned.service, owned.device, owned.store)
        if here not in read and facts.state(owned.service) in compared.DEAD:
            words = f"has {owned.paths} paths that {owned.service} owns since {compared.moment(owned.since)}"
            case = _left_over(owned.device, owned.store, owned.service, words, "", owned.order)
            yield compared.Difference(case, owned.service)


def _left_over(device: str, store: str, service: str, words: str, state: str, order: str) -> Case:
    standing = "there is no such service" if state in compared.DEAD else f"that service is {state}"
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


def _unseen(facts: compared.Facts, at: datetime) -> Iterator[compared.Difference]:
    for box in facts.devices:
        late = box.managed and box.sighted and at - box.since > GRACE
        if late and box.last_seen is None:
            case = Case(
                device=box.name,
                subject=box.name,
                kind=UNSEEN,
                evidence="it never answered",
                text=f"{box.name} is planned since {compared.moment(box.since)}, and never answered"
                + (f": {box.trouble}" if box.trouble else ""),
                cause="its address or login is wrong, its key is not trusted, or it is not built yet",
                action="oss-agent discover says why; oss-agent device trust, or correct the file",
            )
            yield compared.Difference(case)
