"""One participant's row, moved on as the work goes: every step is on disk before what it announces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.ordering import conclude
from oss_agent.fulfilment.record import participant_rows, states
from oss_agent.fulfilment.transact import unknown
from oss_agent.fulfilment.turn import leases, waits
from oss_agent.spi import catalogue, clock

UNTOUCHED = catalogue.OutOfBand.ABORT


class Progress:
    """A participant with the journal behind it. ``one`` is how it stands now."""

    def __init__(
        self, p: parts.Parts, transaction: states.Transaction, one: states.Participant
    ) -> None:
        self.p = p
        self.transaction = transaction
        self.one = one
        self._was_unknown = one.state is states.State.UNKNOWN

    @property
    def failed(self) -> bool:
        """Has it a reason not to go on?"""
        return self.one.cause is not None

    @property
    def policy(self) -> catalogue.OutOfBand:
        """What to do about other people's edits of our part."""
        design = self.transaction.design
        return UNTOUCHED if design is None else design.policy

    def deadline(self) -> states.Deadline:
        """When a confirmed commit sent now undoes itself, in both times (law 9)."""
        seconds, boot = self.p.limits.confirm_within, self.p.clock.boot()
        return states.Deadline(
            wall=self.p.clock.now() + timedelta(seconds=seconds),
            boot=clock.BootTime(boot.boot_id, boot.seconds + seconds),
        )

    async def move(self, state: states.State, **values: Any) -> None:
        """Write its next state. Fenced when another run has it."""
        self.one = await self.p.journal.write(
            str(state),
            lambda c: participant_rows.move(c, self.one, state, self.p.clock.now(), **values),
        )

    async def mark(self, name: str, **values: Any) -> None:
        """Write something about it in the state it is in; ``name`` is the failpoint's."""
        self.one = await self.p.journal.write(
            name,
            lambda c: participant_rows.move(
                c, self.one, self.one.state, self.p.clock.now(), **values
            ),
        )

    async def will_send(self, **values: Any) -> None:
        """Write COMMITTING, in the unit of the last look before a byte that changes something."""

        def unit(connection: sa.Connection) -> states.Participant:
            leases.must_stand(connection, self.transaction, self.one.device)
            at, state = self.p.clock.now(), states.State.COMMITTING
            return participant_rows.move(connection, self.one, state, at, sent=True, **values)

        self.one = await self.p.journal.write(str(states.State.COMMITTING), unit)

    async def may_send(self) -> None:
        """The same look alone: is the device still ours?"""
        await self.p.journal.read(lambda c: leases.must_stand(c, self.transaction, self.one.device))

    async def blame(self, trouble: errors.DeviceError | errors.Conflict) -> None:
        """Write down why it cannot go on; deciding about it is the next phase's business."""
        await self.mark(
            "blame",
            cause=waits.cause_of(trouble),
            reason=trouble.reason,
            who=waits.helper(trouble),
        )

    async def end(self, state: states.State, outcome: str) -> None:
        """Write its end: done or reverted, said in the order's history; its session is closed."""

        def unit(connection: sa.Connection) -> states.Participant:
            at = self.p.clock.now()
            moved = participant_rows.move(
                connection, self.one, state, at, outcome=outcome, snapshot=""
            )
            unknown.clear(connection, self.p, self.transaction, self.one, at)
            conclude.say(connection, self.transaction, at, f"{moved.device} {state}: {outcome}")
            return moved

        self.one = await self.p.journal.write(str(state), unit)
        self.p.contact.release(self.one)
        if self.one.sent:
            self.p.ended(self.one.device, self.transaction.order)

    async def lose(self, reason: str) -> None:
        """Nobody knows how it is: UNKNOWN, with an alarm, until it is settled."""

        def unit(connection: sa.Connection) -> states.Participant:
            moved = participant_rows.move(
                connection, self.one, states.State.UNKNOWN, self.p.clock.now(), outcome=reason
            )
            unknown.report(connection, self.p, self.transaction, moved)
            return moved

        self.one = await self.p.journal.write(str(states.State.UNKNOWN), unit)
        if not self._was_unknown:
            self.p.count_unknown(self.one.device)
            self._was_unknown = True

    async def say(self, text: str) -> None:
        """A sentence in the order's history."""
        await self.p.journal.write(
            "note", lambda c: conclude.say(c, self.transaction, self.p.clock.now(), text)
        )
