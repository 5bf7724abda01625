"""Phase 3: while every device is HELD, look whether the service works, then decide once.

At most half of the devices' own timer is used, so that their undo stays far away. The decision is
one durable row; the cancel flag of the order is read in the very unit that writes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from oss_agent.fulfilment import (
    breaker,
    conclude,
    journal,
    observer,
    order_rows,
    participant_rows,
    parts,
    plain,
    states,
    tables,
    waits,
)
from oss_agent.spi import flow, proof


async def vote(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Judge and decide; a decision that stands is left alone."""
    if await p.journal.read(lambda c: journal.decision(c, transaction)) is not None:
        return flow.Next.CONTINUE
    participants = await p.journal.read(lambda c: participant_rows.of(c, transaction))
    opinions: tuple[observer.Opinion, ...] = ()
    wanted = _failed_to_hold(p, participants)
    if wanted is None:
        opinions = await observer.look(p, transaction, participants)
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


def _count(p: parts.Parts, opinions: Sequence[observer.Opinion]) -> states.Decision:
    """Commit when everything passes; else abort, naming the cause and not what follows from it.

    A configuration that did not arrive comes first: its neighbours' predicates fail because of it.
    """
    for opinion in opinions:
        if opinion.trouble is not None:
            return _abort(
                p,
                waits.cause_of(opinion.trouble),
                str(opinion.trouble),
                opinion.device,
                waits.helper(opinion.trouble),
            )
    failed = [
        (opinion.device, verdict)
        for opinion in opinions
        for verdict in opinion.verdicts
        if not verdict.passes
    ]
    if failed:
        device, first = min(failed, key=lambda pair: pair[1].predicate.kind != proof.CONFIG_EQUAL)
        reason = f"{first.predicate.kind} on {device}: {first.reason}"
        return _abort(p, states.Cause.PROOF, reason, device, "an operator")
    reason = _tally([verdict for opinion in opinions for verdict in opinion.verdicts])
    return states.Decision(
        states.Verdict.COMMIT, states.Cause.PROVEN, reason, None, "", p.clock.now()
    )


def _tally(verdicts: Sequence[proof.Verdict]) -> str:
    """What the decision rests on, in words that claim no more than was seen."""
    proven = sum(verdict.outcome is proof.Outcome.PROVEN for verdict in verdicts)
    if proven == len(verdicts):
        return f"all {proven} predicates are proven"
    return f"{proven} predicates are proven, {len(verdicts) - proven} could not be"


def _abort(
    p: parts.Parts, cause: states.Cause, reason: str, culprit: str | None, who: str
) -> states.Decision:
    return states.Decision(states.Verdict.ABORT, cause, reason, culprit, who, p.clock.now())


def _decide(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    wanted: states.Decision,
    opinions: Sequence[observer.Opinion],
) -> None:
    at = p.clock.now()
    if order_rows.row_of(connection, transaction.order).cancel_requested:
        wanted = _abort(p, states.Cause.CANCELLED, "the order was cancelled", None, "")
    decided = journal.decide(connection, transaction, wanted)
    for opinion in opinions:
        for verdict in opinion.verdicts:
            _keep(connection, p, transaction, verdict)
    conclude.say(connection, transaction, at, f"decision {decided.verdict}: {decided.reason}")
    breaker.after_vote(connection, p, transaction, at)
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
