"""First, do no harm: the other services on the touched devices, before the change and inside it.

Before the first commit their predicates are judged once: that is the baseline. Inside the window
they are judged with our own: what held before and fails now vetoes the change. What was broken
already is written down as such and vetoes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
import structlog

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import design
from oss_agent.fulfilment.record import order_rows, states
from oss_agent.fulfilment.transact import evidence, observer
from oss_agent.fulfilment.turn import carrying
from oss_agent.spi import catalogue, ledger, proof
from oss_agent.spi.tree import Tree

_AT_ONCE = 16
"""Services read together: mostly some are enough, and to read all costs by how many there are."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One predicate of a neighbour."""

    service: ledger.Affected
    asked: observer.Asked

    @property
    def about(self) -> str:
        """What tells it from the neighbour's other predicates."""
        one = self.asked.predicate
        params = " ".join(f"{name}={value}" for name, value in sorted(one.params.items()))
        return f"{one.kind} on {one.device} {self.asked.store} {params}".strip()


@dataclass(frozen=True, slots=True)
class Harm:
    """A neighbour's predicate that held before and does not now."""

    watched: Watched
    verdict: proof.Verdict


async def baseline(
    p: parts.Parts, transaction: states.Transaction, participants: Sequence[states.Participant]
) -> None:
    """Judge the neighbours once and write it down; a second look after a crash keeps the first."""
    most = p.limits.neighbours
    # One more than is judged tells that there are more: to read all would cost by their number.
    some = await p.journal.read(lambda c: _unseen(c, p, transaction, participants, most + 1))
    watched = some[:most]
    if not watched:
        return
    verdicts = await observer.judge_all(p, [one.asked for one in watched], p.clock.monotonic())

    def unit(connection: sa.Connection) -> None:
        pairs = zip(watched, verdicts, strict=True)
        found = [(verdict, _of(one, evidence.BASELINE)) for one, verdict in pairs]
        evidence.keep(connection, p, transaction, found)
        if len(some) > most:
            reason = f"of other services only the nearest {most} predicates are judged"
            evidence.keep(connection, p, transaction, [(_cut(watched[0], reason), None)])

    await p.journal.write("baseline", unit)


async def judged(
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
    until: float,
) -> tuple[tuple[Watched, proof.Verdict], ...]:
    """What held before the change, judged again inside it, until ``until`` (monotonic) at most."""
    watched = await p.journal.read(lambda c: _held_before(c, p, transaction, participants))
    if not watched:
        return ()
    verdicts = await observer.judge_all(p, [one.asked for one in watched], until)
    return tuple(zip(watched, verdicts, strict=True))


def keep(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    found: Sequence[tuple[Watched, proof.Verdict]],
) -> None:
    """Evidence rows that name the neighbour."""
    held = [(verdict, _of(one, evidence.HELD)) for one, verdict in found]
    evidence.keep(connection, p, transaction, held)


def veto(found: Sequence[tuple[Watched, proof.Verdict]]) -> Harm | None:
    """The first harm, if there is any. Pure."""
    return next((Harm(one, verdict) for one, verdict in found if not verdict.passes), None)


def told(harm: Harm, tenant: str) -> str:
    """The harm as the order's sender may read it: another tenant's service has no name there."""
    one, device = harm.watched.service, harm.verdict.predicate.device
    who = f"service {one.name} ({one.service})" if one.tenant == tenant else "another's service"
    return (
        f"{who} on {device} worked before this change and does not inside it: "
        f"{harm.verdict.predicate.kind}"
        + (f": {harm.verdict.reason}" if one.tenant == tenant else "")
    )


def culprit(harm: Harm, tenant: str) -> str:
    """What the error refers to: the service for its own tenant, else the device."""
    one = harm.watched.service
    return one.service if one.tenant == tenant else harm.verdict.predicate.device


def log(transaction: states.Transaction, harm: Harm) -> None:
    """All of it, for the operator."""
    one = harm.watched.service
    structlog.get_logger().warning(
        "a neighbour would be harmed",
        transaction=transaction.id,
        service=one.service,
        name=one.name,
        customer=one.customer,
        predicate=harm.watched.about,
        reason=harm.verdict.reason,
    )


def _unseen(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
    most: int,
) -> tuple[Watched, ...]:
    """At most so many of what is around; nothing once a baseline is written down."""
    if evidence.baseline(connection, transaction):
        return ()
    return tuple(islice(_around(connection, p, transaction, participants), most))


def _held_before(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
) -> tuple[Watched, ...]:
    """What of all around was seen to hold before the first commit."""
    before = evidence.baseline(connection, transaction)
    held = {key for key, outcome in before.items() if outcome == proof.Outcome.PROVEN}
    if not held:
        return ()
    only = {service for service, _ in held}
    every = _around(connection, p, transaction, participants, only)
    return tuple(one for one in every if (one.service.service, one.about) in held)


def _around(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
    only: Collection[str] | None = None,
) -> Iterator[Watched]:
    """Predicates of the services on the touched devices, or of ``only`` these, nearest first."""
    ours = {
        order_rows.request_of(connection, one.order, one.position).service_id
        for one in (transaction, *carrying.members(connection, transaction))
    }
    touched = {one.device for one in participants}
    near = [
        one
        for one in _nearest_first(connection, p, transaction, touched)
        if one.service not in ours and (only is None or one.service in only)
    ]
    for first in range(0, len(near), _AT_ONCE):
        yield from _of_some(connection, p, near[first : first + _AT_ONCE], touched)


def _of_some(
    connection: sa.Connection,
    p: parts.Parts,
    some: Sequence[ledger.Affected],
    touched: set[str],
) -> Iterator[Watched]:
    """What can be asked about some services: two statements for all of them."""
    built = design.last_built_of(connection, {one.service for one in some})
    configured = p.ledger.configured_on(connection, touched, {one.service for one in some})
    for one in some:
        made, has = built.get((one.tenant, one.service)), configured.get(one.service, {})
        for asked in _asked(made, has, touched):
            yield Watched(one, asked)


def _nearest_first(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    touched: set[str],
) -> Iterator[ledger.Affected]:
    """Who stands on the ports of the design, then who stands on its devices; each once."""
    ports = design.ports(transaction.design) if transaction.design else ()
    near = [one for device, port in ports for one in p.ledger.on_port(connection, device, port)]
    far = [one for device in sorted(touched) for one in p.ledger.on_device(connection, device)]
    yield from {one.service: one for one in (*near, *far)}.values()


def _asked(
    built: catalogue.Design | None,
    configured: Mapping[tuple[str, str], Tree],
    touched: set[str],
) -> list[observer.Asked]:
    """What can be asked about it, on the touched devices first.

    Its configuration is what the ledger says, in every store of these devices, whatever its design
    wants proven. Elsewhere nothing of it is changed by us: what differs there is somebody else's doing.
    """
    every = observer.configuration(configured)
    every += [
        observer.Asked(one)
        for one in (built.predicates if built is not None else ())
        if one.kind != proof.CONFIG_EQUAL
        and one.phase is proof.Phase.HELD
        and one.unobservable is None
    ]
    return sorted(every, key=lambda asked: asked.predicate.device not in touched)


def _of(one: Watched, stage: str) -> evidence.Whose:
    return evidence.Whose(one.service.service, one.service.tenant, stage, one.about)


def _cut(first: Watched, reason: str) -> proof.Verdict:
    asked = proof.Predicate("neighbours", first.asked.predicate.device)
    return proof.Verdict(asked, proof.Outcome.NOT_PROVEN, reason)
