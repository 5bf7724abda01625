"""Phase 3: while every device is HELD, look whether the service works, then decide once.

At most half of the devices' own timer is used, so that their undo stays far away. The decision is
one durable row; the cancel flag of the order is read in the very unit that writes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import (
    journal,
    milestones,
    participant_rows,
    service_test_rows,
    states,
)
from oss_agent.fulfilment.talk import contact, ladder
from oss_agent.fulfilment.transact import doubt, evidence, neighbours, observer
from oss_agent.fulfilment.transact.progress import Progress
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import breaker, carrying, waits, wishes
from oss_agent.spi import device, flow, proof


@dataclass(frozen=True, slots=True)
class Armed:
    """A participant asked for its pending commit: until when it holds, or why it does not."""

    one: states.Participant
    deadline: states.Deadline | None
    trouble: errors.DeviceError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All that the decision rests on."""

    looked: tuple[observer.Looked, ...] = ()
    around: tuple[tuple[neighbours.Watched, proof.Verdict], ...] = ()
    armed: tuple[Armed, ...] = ()

    @property
    def verdicts(self) -> tuple[proof.Verdict, ...]:
        """Of the service itself, and of those that are carried with it."""
        return tuple(verdict for one in self.looked for verdict in one.verdicts)

    @property
    def troubles(self) -> tuple[errors.DeviceError, ...]:
        """Participants that could not be asked, or hold our commit no more."""
        looked = [opinion.trouble for one in self.looked for opinion in one.opinions]
        return tuple(one for one in (*looked, *(a.trouble for a in self.armed)) if one is not None)


async def vote(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Judge and decide; a decision that stands is left alone."""
    standing, rows = await p.journal.read(
        lambda c: (journal.decision(c, transaction), participant_rows.of(c, transaction))
    )
    if standing is not None:
        return flow.Next.CONTINUE
    found = Found()
    wanted = _failed_to_hold(p, rows)
    if wanted is None:
        found = await _look(p, transaction, rows)
        wanted = _count(p, transaction, found)
    await p.journal.write("decision", lambda c: _decide(c, p, transaction, wanted, found))
    return flow.Next.CONTINUE


async def _look(
    p: parts.Parts, transaction: states.Transaction, rows: Sequence[states.Participant]
) -> Found:
    """Our own service, then those around it, then whether it is still our commit that we judged."""
    until = p.clock.monotonic() + p.limits.proving
    looked = await observer.look_at_all(p, transaction, rows)
    if not all(observer.content(one.opinions) for one in looked):
        return Found(looked)
    around = await neighbours.judged(p, transaction, rows, until)
    timed = [Progress(p, transaction, one) for one in ladder.timed(rows)]
    return Found(looked, around, await contact.together([_armed(one) for one in timed]))


async def _armed(one: Progress) -> Armed:
    """Just before the decision: is it still unconfirmed there?

    While the lock has been ours since before the commit and the timer is far away, a look tells. Else
    the commit is asked for by a follow-up, which begins the timer anew: one commit more, and there
    are devices whose every commit takes minutes.
    """
    try:
        async with one.p.contact.writing(one.one) as talk:
            if talk.locked and _far(one):
                current = await talk.read(one.one.roots)
                if tree.same(current, one.one.target):
                    return Armed(one.one, one.one.deadline)
            if await doubt.pending(one, talk) is device.Pending.HELD:
                return Armed(one.one, one.deadline())
            raise errors.DeviceUnreachable(talk.device, "its unconfirmed commit is gone")
    except errors.DeviceError as trouble:
        return Armed(one.one, None, trouble)


def _far(one: Progress) -> bool:
    """Is more than two thirds of the device's timer left?"""
    deadline, whole = one.one.deadline, one.p.limits.confirm_within
    return deadline is not None and deadline.left(one.p.clock.boot()) > whole * 2 / 3


def _failed_to_hold(
    p: parts.Parts, participants: Sequence[states.Participant]
) -> states.Decision | None:
    """The abort that a participant which is not HELD asks for; lasting causes count first.

    One that has no cause only stopped at the gate because of another that has.
    """
    failed = [one for one in participants if one.state is not states.State.HELD or one.cause]
    if not failed:
        return None
    worst = min(failed, key=lambda one: (one.cause is None, _cause(one).transient, one.key))
    reason = worst.reason or f"it is {worst.state}, not held"
    return _abort(p, _cause(worst), f"{worst.device}: {reason}", worst.device, worst.who)


def _cause(one: states.Participant) -> states.Cause:
    return one.cause or states.Cause.INTERRUPTED


def _count(p: parts.Parts, transaction: states.Transaction, found: Found) -> states.Decision:
    """Commit when everything passes; else abort, naming the cause and not what follows from it.

    A configuration that did not arrive comes first: its neighbours' predicates fail because of it.
    """
    for trouble in found.troubles:
        who = waits.helper(trouble)
        return _abort(p, waits.cause_of(trouble), str(trouble), trouble.device, who)
    first = gravest(found.verdicts)
    if first is not None:
        where = first.predicate.device
        reason = f"{first.predicate.kind} on {where}: {first.reason}"
        return _abort(p, states.Cause.PROOF, reason, where, "an operator")
    harm = neighbours.veto(found.around)
    if harm is not None:
        neighbours.log(transaction, harm)
        told, culprit = (
            tell(harm, transaction.tenant) for tell in (neighbours.told, neighbours.culprit)
        )
        return _abort(p, states.Cause.NEIGHBOUR, told, culprit, "an operator")
    return states.Decision(
        states.Verdict.COMMIT, states.Cause.PROVEN, _reason(found), None, "", p.clock.now()
    )


def gravest(verdicts: Sequence[proof.Verdict]) -> proof.Verdict | None:
    """The verdict that an abort is told by; None when all pass. Pure.

    What was seen to be wrong comes before what was not asked because of it, and a configuration
    before what hangs on it.
    """
    return min(
        (one for one in verdicts if not one.passes),
        key=lambda one: (
            one.outcome is proof.Outcome.NOT_PROVEN,
            one.predicate.kind != proof.CONFIG_EQUAL,
        ),
        default=None,
    )


def _reason(found: Found) -> str:
    around = f"; {len(found.around)} of services around it hold as before" if found.around else ""
    return _tally(found.verdicts) + around


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
    found: Found,
) -> None:
    at = p.clock.now()
    carried = carrying.members(connection, transaction)
    wanted = wishes.instead(connection, transaction, carried, at) or wanted
    if carried and wanted.verdict is states.Verdict.ABORT and not wanted.cause.transient:
        wanted = dataclasses.replace(wanted, cause=states.Cause.BISECTED)
    decided = journal.decide(connection, transaction, wanted)
    for looked in found.looked:
        own = [(verdict, None) for verdict in looked.verdicts]
        evidence.keep(connection, p, looked.transaction, own)
        passed = all(verdict.passes for verdict in looked.verdicts)
        service_test_rows.proved(connection, p.events, looked.transaction, passed=passed, at=at)
    neighbours.keep(connection, p, transaction, found.around)
    for armed in found.armed:
        if armed.deadline is not None:
            one = armed.one
            participant_rows.move(connection, one, one.state, at, deadline=armed.deadline)
    for each in (transaction, *carried):
        conclude.say(connection, each, at, f"decision {decided.verdict}: {decided.reason}")
        if decided.verdict is states.Verdict.COMMIT:
            _proven(connection, p, transaction, each, at)
    if decided.cause in breaker.ABORTED:
        breaker.after_abort(connection, p, transaction, at)


def _proven(
    connection: sa.Connection,
    p: parts.Parts,
    leader: states.Transaction,
    one: states.Transaction,
    at: datetime,
) -> None:
    """Held since the last device was, and proven now: one event tells both."""
    held = [row.since for row in participant_rows.of(connection, leader)]
    marks = {milestones.Milestone.HELD: max(held)} if held else {}
    marks[milestones.Milestone.PROVEN] = at
    reached = milestones.reach(connection, one.order, one.position, marks)
    milestones.tell(connection, p.events, one.order, one.position, reached, at)
