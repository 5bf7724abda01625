"""First, do no harm: the other services on the touched devices, before the change and inside it.

Before the first commit their predicates are judged once: that is the baseline. Inside the window
they are judged with our own: what held before and fails now vetoes the change. What was broken
already is written down as such and vetoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from oss_agent.fulfilment import (
    evidence,
    group,
    journal,
    observer,
    order_rows,
    parts,
    states,
    tables,
    tree,
)
from oss_agent.spi import catalogue, ledger, proof, views
from oss_agent.spi.tree import Tree


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
    if await p.journal.read(lambda c: evidence.baseline(c, transaction)):
        return
    every = await p.journal.read(lambda c: tuple(_around(c, p, transaction, participants)))
    watched, rest = every[: p.limits.neighbours], len(every) - p.limits.neighbours
    if not watched:
        return
    verdicts = await observer.judge_all(p, [one.asked for one in watched], p.clock.monotonic())

    def unit(connection: sa.Connection) -> None:
        for one, verdict in zip(watched, verdicts, strict=True):
            evidence.keep(connection, p, transaction, verdict, _of(one, evidence.BASELINE))
        if rest > 0:
            reason = f"{rest} further predicates of other services are not judged"
            evidence.keep(connection, p, transaction, _cut(watched[0], reason))

    await p.journal.write("baseline", unit)


async def judged(
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
    until: float,
) -> tuple[tuple[Watched, proof.Verdict], ...]:
    """What held before the change, judged again inside it, until ``until`` (monotonic) at most."""
    before = await p.journal.read(lambda c: evidence.baseline(c, transaction))
    held = {key for key, outcome in before.items() if outcome == proof.Outcome.PROVEN}
    if not held:
        return ()
    every = await p.journal.read(lambda c: tuple(_around(c, p, transaction, participants)))
    watched = [one for one in every if (one.service.service, one.about) in held]
    verdicts = await observer.judge_all(p, [one.asked for one in watched], until)
    return tuple(zip(watched, verdicts, strict=True))


def keep(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    found: Sequence[tuple[Watched, proof.Verdict]],
) -> None:
    """Evidence rows that name the neighbour."""
    for one, verdict in found:
        evidence.keep(connection, p, transaction, verdict, _of(one, evidence.HELD))


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


def _around(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
) -> Iterator[Watched]:
    """Predicates of the services on the touched devices, nearest first."""
    ours = {
        order_rows.request_of(connection, one.order, one.position).service_id
        for one in (transaction, *group.members(connection, transaction))
    }
    touched = {one.device for one in participants}
    for one in _nearest_first(connection, p, transaction, touched):
        if one.service not in ours:
            design = _design(connection, one.service)
            configured = p.ledger.configured(connection, one.service)
            for asked in _asked(design, configured, touched):
                yield Watched(one, asked)


def _nearest_first(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    touched: set[str],
) -> Iterator[ledger.Affected]:
    """Who stands on the ports of the design, then who stands on its devices; each once."""
    design = transaction.design
    ports = [(r.device, port) for r in design.resources for port in r.ports] if design else []
    near = [one for device, port in ports for one in p.ledger.on_port(connection, device, port)]
    far = [one for device in sorted(touched) for one in p.ledger.on_device(connection, device)]
    yield from {one.service: one for one in (*near, *far)}.values()


def _design(connection: sa.Connection, service: str) -> catalogue.Design | None:
    """By which the service was last built or changed."""
    item, of = tables.item, tables.transaction
    asked = (
        of.select()
        .join(item, sa.and_(item.c.order_id == of.c.order_id, item.c.position == of.c.position))
        .where(
            item.c.service_id == service,
            item.c.action.in_((views.ItemAction.ADD, views.ItemAction.MODIFY)),
            item.c.state == views.OrderState.COMPLETED,
        )
        .order_by(of.c.accepted.desc())
        .limit(1)
    )
    row = connection.execute(asked).one_or_none()
    return None if row is None else journal.of_row(row).design


def _asked(
    design: catalogue.Design | None,
    configured: Mapping[tuple[str, str], Tree],
    touched: set[str],
) -> list[observer.Asked]:
    """What can be asked about it, on the touched devices first."""
    every: list[observer.Asked] = []
    for one in design.predicates if design is not None else ():
        if one.phase is not proof.Phase.HELD or one.unobservable is not None:
            continue
        if one.kind != proof.CONFIG_EQUAL:
            every.append(observer.Asked(one))
            continue
        every += [
            observer.Asked(one, store, tree.roots(wanted), wanted)
            for (device, store), wanted in sorted(configured.items())
            if device == one.device
        ]
    return sorted(every, key=lambda asked: asked.predicate.device not in touched)


def _of(one: Watched, stage: str) -> evidence.Whose:
    return evidence.Whose(one.service.service, one.service.tenant, stage, one.about)


def _cut(first: Watched, reason: str) -> proof.Verdict:
    asked = proof.Predicate("neighbours", first.asked.predicate.device)
    return proof.Verdict(asked, proof.Outcome.NOT_PROVEN, reason)
