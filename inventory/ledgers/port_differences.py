"""Decides where the ledgers disagree about ports: who holds them, who stands on them, how they are seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inventory.ledgers import compared
from inventory.rows.cases import Case
from oss_agent.spi import orders
from oss_agent.spi.views import ServiceState

PORT_ORPHANED: Final = "port-held-by-nobody"
PORT_ELSEWHERE: Final = "port-held-by-another"
PORT_UNSEEN: Final = "port-never-seen"
PORT_OFF: Final = "port-switched-off"
PORT_DOWN: Final = "port-down"
POINT_GONE: Final = "test-point-gone"
KINDS: Final = (
    PORT_ORPHANED,
    PORT_ELSEWHERE,
    PORT_UNSEEN,
    PORT_OFF,
    PORT_DOWN,
    POINT_GONE,
)
_DOWN: Final = frozenset({"down", "lowerLayerDown"})


def differences(facts: compared.Facts) -> Iterator[compared.Difference]:
    """Everything on which the ledgers disagree about ports."""
    yield from _claims(facts)
    yield from _held_by_another(facts)
    yield from _points(facts)


def _claims(facts: compared.Facts) -> Iterator[compared.Difference]:
    """Ports that are held, by how they are seen."""
    seen = {(one.device, one.port): one for one in facts.seen}
    boxes = {one.name: one for one in facts.devices}
    for claim in facts.claims:
        holder = facts.services.get(claim.service)
        if holder is None or holder.state in compared.DEAD:
            yield compared.Difference(_held_by_nobody(claim), claim.service)
        elif holder.state == ServiceState.ACTIVE and not orders.by_itself(holder.id):
            port = seen.get((claim.device, claim.port))
            case = _seen_amiss(claim, holder, port, boxes.get(claim.device))
            if case is not None:
                yield compared.Difference(case, holder.id)


def _held_by_nobody(claim: compared.Claim) -> Case:
    port = f"{claim.device}:{claim.port}"
    return Case(
        device=claim.device,
        subject=port,
        kind=PORT_ORPHANED,
        evidence=f"{claim.service} of order {claim.order} holds it and does not live",
        text=f"{port} is held by {claim.service} since {compared.moment(claim.since)}, and there is no such "
        "service",
        cause="its order ended without giving the port back",
        action=f"look at order {claim.order}; nobody else can have the port meanwhile",
        owner=f"order {claim.order}",
    )


def _seen_amiss(
    claim: compared.Claim,
    holder: compared.Serving,
    port: compared.Seen | None,
    box: compared.Box | None,
) -> Case | None:
    """How a held port is not as its service needs it; None when it is, or when looks say so."""
    if port is None:
        read_at = None if box is None else box.ports_at
        late = read_at is not None and read_at > claim.since
        return _port_case(claim, holder, PORT_UNSEEN, "no look ever saw it") if late else None
    if port.missing:
        return None  # the look that missed it has its own case
    if port.admin == "down":
        words = f"it is switched off since {compared.moment(port.since)}"
        return _port_case(claim, holder, PORT_OFF, words)
    if port.oper in _DOWN:
        words = f"it is {port.oper} since {compared.moment(port.since)}"
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


def _port_case(claim: compared.Claim, holder: compared.Serving, kind: str, words: str) -> Case:
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


def _held_by_another(facts: compared.Facts) -> Iterator[compared.Difference]:
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
        yield compared.Difference(case, service.id)


def _points(facts: compared.Facts) -> Iterator[compared.Difference]:
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
            f"{compared.moment(lost.since)}: service {holder.name} is not proven by packets there",
            cause="the test point was changed, or its port is down",
            action="give its port an address again, or take the link out of the topology file",
            owner=holder.words,
        )
        yield compared.Difference(case, holder.id)
