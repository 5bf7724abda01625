"""The one function that ends what was begun: every device is driven to the decision.

Start-up, the reaper and the workflow all call ``settle``. It reads the decision row; where there
is none it first writes an abort, so that nobody can decide otherwise meanwhile. Then per device:

=========  =====================================  =================================================
decision   what the device shows                  what is done
=========  =====================================  =================================================
commit     our commit is pending                  confirm, read back, save
commit     nothing pending, target there          it was confirmed: save
commit     nothing pending, as before             it undid itself: push again, read back, save
abort      anything                               cancel, then read back; target there: push back
either     neither before nor target              UNKNOWN: critical alarm, counter, a person
=========  =====================================  =================================================

A device that cannot be reached is UNKNOWN too, loudly, and is tried again until it is settled;
but one that was never sent a commit is as before, reachable or not, and holds nobody up.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import (
    conclude,
    contact,
    journal,
    participant_rows,
    parts,
    states,
    tree,
    unknown,
)
from oss_agent.spi import device
from oss_agent.spi.tree import Tree, path_text

AS_BEFORE = "byte for byte as before"


async def settle(p: parts.Parts, transaction: states.Transaction) -> states.Decision:
    """Drive every participant to the decision. Returns it; ``unsettled`` tells what is left.

    Safe at any time and any number of times. Fenced when another run took the transaction over.
    """
    stopped = interrupted(p.clock.now(), "the work was interrupted before a decision")
    decision = await p.journal.write("settle", lambda c: journal.decide(c, transaction, stopped))
    participants = await p.journal.read(lambda c: participant_rows.of(c, transaction))
    open_ones = [one for one in participants if not one.state.final]
    await contact.together([_Settling(p, transaction, one, decision).run() for one in open_ones])
    return decision


def unsettled(
    connection: sa.Connection, transaction: states.Transaction
) -> tuple[states.Participant, ...]:
    """The participants that are neither done nor reverted."""
    every = participant_rows.of(connection, transaction)
    return tuple(one for one in every if not one.state.final)


def interrupted(at: datetime, reason: str) -> states.Decision:
    """The abort of work that nobody brought to a decision."""
    return states.Decision(
        states.Verdict.ABORT,
        states.Cause.INTERRUPTED,
        reason,
        None,
        "nobody: it is done again",
        at,
    )


class _Settling:
    """One participant on its way to DONE or REVERTED."""

    def __init__(
        self,
        p: parts.Parts,
        transaction: states.Transaction,
        one: states.Participant,
        decision: states.Decision,
    ) -> None:
        self._p = p
        self._transaction = transaction
        self._one = one
        self._commit = decision.verdict is states.Verdict.COMMIT
        self._known_unknown = one.state is states.State.UNKNOWN

    async def run(self) -> None:
        """Settle it, or make it UNKNOWN with an alarm."""
        if self._one.state is states.State.PLANNED and not self._commit:
            await self._end(states.State.REVERTED, "nothing was sent")
            return
        try:
            async with self._p.contact.participate(self._one.device) as talk:
                if self._commit:
                    await self._finish(talk)
                else:
                    await self._undo(talk)
        except errors.DeviceError as trouble:
            await self._undecided(trouble)
        except (errors.Fenced, errors.StoreUnavailable):
            raise
        except Exception as fault:  # noqa: BLE001  one device must not keep the others, or the start
            structlog.get_logger().exception("settling failed", device=self._one.device)
            await self._lost(f"a fault of the agent itself: {type(fault).__name__}: {fault}")

    async def _undecided(self, trouble: errors.DeviceError) -> None:
        if self._commit or self._one.sent:
            await self._lost(trouble.reason)
            return
        # What was staged went with our session; waiting for the device would tell us nothing.
        await self._end(
            states.State.REVERTED, f"nothing was committed; not read back: {trouble.reason}"
        )

    async def _finish(self, talk: contact.Talk) -> None:
        if self._one.state not in {states.State.PROVEN, states.State.SAVED}:
            await self._move(states.State.CONFIRMING)
            await self._confirm(talk)
            current = await talk.read(self._one.roots)
            if tree.same(current, self._one.before) and not self._unchanged:
                await self._push(talk, current, self._one.target)
                current = await talk.read(self._one.roots)
            if not tree.same(current, self._one.target):
                await self._lost(_difference("target", self._one.target, current))
                return
            await self._move(states.State.PROVEN)
        if self._one.state is not states.State.SAVED:
            await talk.call("save", lambda session: session.save())
            await self._move(states.State.SAVED)
        await self._end(states.State.DONE, "confirmed, read back and saved")

    @property
    def _unchanged(self) -> bool:
        return tree.same(self._one.before, self._one.target)

    async def _confirm(self, talk: contact.Talk) -> None:
        """Confirm if it is still ours to confirm; what others staged is dropped, not committed."""
        staged = await talk.call("diff", lambda session: session.diff())
        if staged:
            await self._say(f"{talk.device}: dropped what another session had staged")
        if await self._pending(talk) is not device.Pending.HELD:
            return
        persist = self._one.persist
        try:
            await talk.call(
                "confirm",
                lambda session: session.confirm(persist=persist),
                silence=errors.CommitUnknown,
            )
        except errors.ChangeRejected:
            # Gone between probe and confirm is no error: the read-back tells. Refused while it is
            # still pending is one: what is read back would be undone by the device's own timer.
            if await self._pending(talk) is device.Pending.HELD:
                raise

    async def _pending(self, talk: contact.Talk) -> device.Pending:
        persist, seconds = self._one.persist, self._p.limits.confirm_within
        found = await talk.call(
            "probe", lambda s: s.probe_pending(persist=persist, confirm_within=seconds)
        )
        if found is device.Pending.OTHERS:
            raise errors.DeviceBusy(talk.device, "another system's commit is pending there")
        return found

    async def _undo(self, talk: contact.Talk) -> None:
        if self._one.sent:
            persist = self._one.persist
            await talk.call("cancel", lambda session: session.cancel(persist=persist))
        current = await talk.read(self._one.roots)
        if not self._one.sent and not tree.same(current, self._one.before):
            # We committed nothing there: whatever our part is now, somebody else made it so.
            await self._end(
                states.State.REVERTED, "nothing was committed; somebody else changed our part"
            )
            return
        if tree.same(current, self._one.target) and not self._unchanged:
            await self._push(talk, current, self._one.before)
            current = await talk.read(self._one.roots)
        if not tree.same(current, self._one.before):
            await self._lost(_difference("state before", self._one.before, current))
            return
        same = await talk.snapshot() == self._one.snapshot
        await self._end(
            states.State.REVERTED,
            AS_BEFORE if same else "our part is as before; a difference elsewhere is not ours",
        )

    async def _push(self, talk: contact.Talk, current: Tree, wanted: Tree) -> None:
        """Plain lock, edit, commit: the decision is made, no timer shall undo this."""
        edits = tree.diff(current, wanted)
        try:
            await talk.call("lock", lambda session: session.lock())
            await talk.call("edit", lambda session: session.edit(edits))
            await talk.call("push", lambda session: session.commit(), silence=errors.CommitUnknown)
        finally:
            await talk.tidy()
        await self._say(f"{talk.device}: pushed again, because it had not kept the decision")

    async def _lost(self, reason: str) -> None:
        def unit(connection: sa.Connection) -> states.Participant:
            moved = participant_rows.move(
                connection, self._one, states.State.UNKNOWN, self._p.clock.now(), outcome=reason
            )
            unknown.report(connection, self._p, self._transaction, moved)
            return moved

        self._one = await self._p.journal.write(str(states.State.UNKNOWN), unit)
        if not self._known_unknown:
            self._p.count_unknown(self._one.device)

    async def _end(self, state: states.State, outcome: str) -> None:
        def unit(connection: sa.Connection) -> states.Participant:
            at = self._p.clock.now()
            moved = participant_rows.move(
                connection, self._one, state, at, outcome=outcome, snapshot=""
            )
            unknown.clear(connection, self._p, self._transaction, self._one, at)
            conclude.say(connection, self._transaction, at, f"{moved.device} {state}: {outcome}")
            return moved

        self._one = await self._p.journal.write(str(state), unit)

    async def _move(self, state: states.State) -> None:
        self._one = await self._p.journal.write(
            str(state), lambda c: participant_rows.move(c, self._one, state, self._p.clock.now())
        )

    async def _say(self, text: str) -> None:
        await self._p.journal.write(
            "note", lambda c: conclude.say(c, self._transaction, self._p.clock.now(), text)
        )


def _difference(name: str, wanted: Tree, current: Tree) -> str:
    edits = ", ".join(
        f"{edit.operation} {path_text(edit.path)}" for edit in tree.diff(wanted, current)
    )
    return f"it differs from the {name}: {edits}"
