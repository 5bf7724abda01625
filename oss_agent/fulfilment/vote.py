"""Phase 3: while every device is HELD, look whether the service works, then decide once.

At most half of the devices' own timer is used, so that their undo stays far away. The decision is
one durable row; the cancel flag of the order is read in the very unit that writes it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import (
    conclude,
    contact,
    journal,
    order_rows,
    parts,
    plain,
    states,
    tables,
    tree,
    waits,
)
from oss_agent.proof import judge
from oss_agent.spi import catalogue, device, flow, proof
from oss_agent.spi.tree import path_text


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found at one device: verdicts, and whether our commit is still pending there."""

    device: str
    verdicts: tuple[proof.Verdict, ...]
    trouble: errors.DeviceError | None = None


async def vote(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Judge and decide; a decision that stands is left alone."""
    if await p.journal.read(lambda c: journal.decision(c, transaction)) is not None:
        return flow.Next.CONTINUE
    participants = await p.journal.read(lambda c: journal.participants(c, transaction))
    opinions: tuple[Opinion, ...] = ()
    wanted = _failed_to_hold(p, participants)
    if wanted is None:
        opinions = await _look(p, transaction, participants)
        wanted = _count(p, opinions)
    await p.journal.write("decision", lambda c: _decide(c, p, transaction, wanted, opinions))
    return flow.Next.CONTINUE


def _failed_to_hold(
    p: parts.Parts, participants: Sequence[states.Participant]
) -> states.Decision | None:
    """The abort that a participant which is not HELD asks for; lasting causes count first."""
    failed = [one for one in participants if one.state is not states.State.HELD or one.cause]
    if not failed:
        return None
    worst = min(failed, key=lambda one: (_cause(one).transient, one.device))
    reason = worst.reason or f"it is {worst.state}, not held"
    return _abort(p, _cause(worst), f"{worst.device}: {reason}", worst.device, worst.who)


def _cause(one: states.Participant) -> states.Cause:
    return one.cause or states.Cause.INTERRUPTED


def _count(p: parts.Parts, opinions: Sequence[Opinion]) -> states.Decision:
    """Commit when everything passes; else abort, naming the first that does not."""
    for opinion in opinions:
        if opinion.trouble is not None:
            return _abort(
                p,
                waits.cause_of(opinion.trouble),
                str(opinion.trouble),
                opinion.device,
                waits.helper(opinion.trouble),
            )
    for opinion in opinions:
        for verdict in opinion.verdicts:
            if not verdict.passes:
                reason = f"{verdict.predicate.kind} on {opinion.device}: {verdict.reason}"
                return _abort(p, states.Cause.PROOF, reason, opinion.device, "an operator")
    return states.Decision(
        states.Verdict.COMMIT, states.Cause.PROVEN, "every predicate holds", None, "", p.clock.now()
    )


def _abort(
    p: parts.Parts, cause: states.Cause, reason: str, culprit: str | None, who: str
) -> states.Decision:
    return states.Decision(states.Verdict.ABORT, cause, reason, culprit, who, p.clock.now())


async def _look(
    p: parts.Parts, transaction: states.Transaction, participants: Sequence[states.Participant]
) -> tuple[Opinion, ...]:
    until = p.clock.monotonic() + p.limits.proving
    held = {one.device: one for one in participants}
    asked = _by_device(transaction.design, held)
    observers = [
        _Observer(p, name, held.get(name), predicates, until)
        for name, predicates in sorted(asked.items())
    ]
    return await contact.together([observer.run() for observer in observers])


def _by_device(
    design: catalogue.Design | None, held: dict[str, states.Participant]
) -> dict[str, list[proof.Predicate]]:
    asked: dict[str, list[proof.Predicate]] = {name: [] for name in held}
    for predicate in design.predicates if design is not None else ():
        if predicate.phase is proof.Phase.HELD:
            asked.setdefault(predicate.device, []).append(predicate)
    return asked


class _Observer:
    """Asks one device until all its predicates pass or the time is over."""

    def __init__(
        self,
        p: parts.Parts,
        name: str,
        held: states.Participant | None,
        predicates: Sequence[proof.Predicate],
        until: float,
    ) -> None:
        self._p = p
        self._name = name
        self._held = held
        self._until = until
        self._verdicts: dict[int, proof.Verdict | None] = dict.fromkeys(range(len(predicates)))
        self._predicates = predicates

    async def run(self) -> Opinion:
        """The verdicts; a participant that cannot be asked is trouble, a test point is not."""
        try:
            async with self._p.contact.open(self._name) as talk:
                await self._until_all_pass(talk)
                await self._check_pending(talk)
        except errors.DeviceError as trouble:
            if self._held is not None:
                return Opinion(self._name, self._judged(str(trouble)), trouble)
            return Opinion(self._name, self._judged(str(trouble)))
        return Opinion(self._name, self._judged("it was not asked in time"))

    async def _until_all_pass(self, talk: contact.Talk) -> None:
        while True:
            for number, verdict in list(self._verdicts.items()):
                if not self._settled(number, verdict):
                    asked = self._predicates[number]
                    self._verdicts[number] = judge.judge(asked, await self._ask(talk, asked))
            left = self._until - self._p.clock.monotonic()
            if left <= 0 or all(self._settled(*pair) for pair in self._verdicts.items()):
                return
            await asyncio.sleep(min(self._p.limits.prove_every, left))

    def _settled(self, number: int, verdict: proof.Verdict | None) -> bool:
        """Would asking again be of no use?"""
        hopeless = self._predicates[number].unobservable is not None
        return verdict is not None and (verdict.passes or hopeless)

    async def _ask(self, talk: contact.Talk, asked: proof.Predicate) -> proof.Observation:
        if asked.unobservable is not None:
            simulated = device.Capability.SIMULATED in talk.session.offers
            return proof.Observation(
                asked.kind,
                self._name,
                self._p.clock.now(),
                simulated=simulated,
                unobservable=asked.unobservable,
            )
        if asked.kind == proof.CONFIG_EQUAL:
            return await self._read_back(talk)
        question = proof.Question(asked.kind, asked.params)
        return await talk.call("observe", lambda session: session.observe(question))

    async def _read_back(self, talk: contact.Talk) -> proof.Observation:
        one = self._held
        if one is None:
            raise errors.DeviceRefused(self._name, "it takes no part: nothing to read back")
        current = await talk.read(one.roots)
        difference = tree.diff(one.target, current)
        text = "\n".join(f"{edit.operation} {path_text(edit.path)}" for edit in difference)
        return proof.Observation(
            proof.CONFIG_EQUAL,
            self._name,
            self._p.clock.now(),
            {"equal": not difference, "nodes": len(tree.nodes(current))},
            transcript=text,
            simulated=device.Capability.SIMULATED in talk.session.offers,
        )

    async def _check_pending(self, talk: contact.Talk) -> None:
        """Just before the decision: is it still our unconfirmed commit that we judge?"""
        if self._held is None:
            return
        persist, seconds = self._held.persist, self._p.limits.confirm_within
        pending = await talk.call(
            "probe", lambda s: s.probe_pending(persist=persist, confirm_within=seconds)
        )
        if pending is not device.Pending.HELD:
            raise errors.DeviceUnreachable(self._name, "its unconfirmed commit is gone")

    def _judged(self, otherwise: str) -> tuple[proof.Verdict, ...]:
        return tuple(
            self._verdicts[number] or judge.unobserved(predicate, otherwise)
            for number, predicate in enumerate(self._predicates)
        )


def _decide(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    wanted: states.Decision,
    opinions: Sequence[Opinion],
) -> None:
    at = p.clock.now()
    if order_rows.row_of(connection, transaction.order).cancel_requested:
        wanted = _abort(p, states.Cause.CANCELLED, "the order was cancelled", None, "")
    decided = journal.decide(connection, transaction, wanted)
    for opinion in opinions:
        for verdict in opinion.verdicts:
            _keep(connection, p, transaction, verdict)
    conclude.say(connection, transaction, at, f"decision {decided.verdict}: {decided.reason}")
    if decided.verdict is states.Verdict.COMMIT:
        order_rows.add_milestone(connection, transaction.order, transaction.position, "proven", at)


def _keep(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    verdict: proof.Verdict,
) -> None:
    seen = verdict.observation
    transcript = plain.transcript(seen.transcript if seen else "")
    connection.execute(
        tables.evidence.insert().values(
            tenant=transaction.tenant,
            transaction_id=transaction.id,
            attempt=transaction.attempt,
            kind=verdict.predicate.kind,
            device=verdict.predicate.device,
            outcome=verdict.outcome,
            reason=plain.line(verdict.reason),
            at=seen.at if seen else p.clock.now(),
            values_seen=dict(seen.values) if seen else {},
            transcript=transcript,
            digest=hashlib.sha256(transcript.encode()).hexdigest(),
        )
    )
