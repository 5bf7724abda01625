"""Phase 2: bring every device to HELD: changed, but undoing itself unless we confirm.

All devices work at once, each through its own journal states, and each state is on disk before
the call it announces. The phase can be run again at any state: what the journal says is checked
against the device by its persist token, never assumed. A failure is written on the participant;
deciding about it is the next phase's business.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from oss_agent import errors
from oss_agent.fulfilment import (
    contact,
    journal,
    participant_rows,
    parts,
    prepare,
    states,
    tree,
    waits,
)
from oss_agent.spi import clock, device, flow
from oss_agent.spi.tree import path_text


async def hold(p: parts.Parts, transaction: states.Transaction) -> flow.Next:
    """Drive all participants towards HELD; a decision that stands is left alone."""
    if await p.journal.read(lambda c: journal.decision(c, transaction)) is not None:
        return flow.Next.CONTINUE
    participants = await p.journal.read(lambda c: participant_rows.of(c, transaction))
    open_ones = [one for one in participants if one.cause is None]
    await contact.together([_Holding(p, transaction, one).run() for one in open_ones])
    return flow.Next.CONTINUE


def deadline(p: parts.Parts) -> states.Deadline:
    """When a confirmed commit sent now undoes itself, in both times (law 9)."""
    seconds, boot = p.limits.confirm_within, p.clock.boot()
    return states.Deadline(
        wall=p.clock.now() + timedelta(seconds=seconds),
        boot=clock.BootTime(boot.boot_id, boot.seconds + seconds),
    )


class _Holding:
    """One participant on its way to HELD."""

    def __init__(
        self, p: parts.Parts, transaction: states.Transaction, one: states.Participant
    ) -> None:
        self._p = p
        self._transaction = transaction
        self._one = one

    async def run(self) -> None:
        """To HELD, or to a cause written on the participant."""
        try:
            try:
                await self._attempt()
            except errors.CommitUnknown:
                # No answer is no news: a new session asks the device what became of it.
                await self._attempt()
        except errors.Fenced:
            raise
        except (errors.DeviceError, errors.Conflict) as trouble:
            await self._blame(trouble)

    async def _attempt(self) -> None:
        async with self._p.contact.participate(self._one.device) as talk:
            sent = self._one.state in {states.State.COMMITTING, states.State.HELD}
            if sent and await self._still_held(talk):
                return
            try:
                await self._stage(talk)
            except errors.CommitUnknown:
                raise
            except (errors.DeviceError, errors.Conflict):
                await talk.tidy()
                raise
            await self._commit(talk)

    async def _still_held(self, talk: contact.Talk) -> bool:
        """After a crash or a lost answer: True when our commit is pending, False to redo it."""
        persist, seconds = self._one.persist, self._p.limits.confirm_within
        pending = await talk.call(
            "probe", lambda s: s.probe_pending(persist=persist, confirm_within=seconds)
        )
        if pending is device.Pending.HELD:
            await self._move(states.State.HELD, deadline=deadline(self._p))
            return True
        if pending is device.Pending.OTHERS:
            raise errors.Conflict(f"{talk.device}: another system's commit is pending there")
        current = await talk.read(self._one.roots)
        if self._one.state is states.State.HELD or not tree.same(current, self._one.before):
            raise errors.DeviceUnreachable(talk.device, "its unconfirmed commit is gone")
        return False

    async def _stage(self, talk: contact.Talk) -> None:
        await talk.call("lock", lambda session: session.lock())
        await self._move(states.State.LOCKED)
        await self._check_unchanged(talk)
        edits = tree.diff(self._one.before, self._one.target)
        await talk.call("edit", lambda session: session.edit(edits))
        await self._move(states.State.EDITED)
        await talk.call("validate", lambda session: session.validate())
        await self._move(states.State.VALIDATED)

    async def _check_unchanged(self, talk: contact.Talk) -> None:
        """Under the lock: what we planned on must still be there, or somebody edited our part."""
        current = await talk.read(self._one.roots)
        difference = tree.diff(self._one.before, current)
        if difference:
            where = ", ".join(f"{edit.operation} {path_text(edit.path)}" for edit in difference)
            raise errors.Conflict(
                f"{talk.device}: our part changed since it was planned ({where}); "
                "somebody else edits it",
                holder=talk.device,
            )

    async def _commit(self, talk: contact.Talk) -> None:
        persist, seconds = prepare.persist_of(self._transaction), self._p.limits.confirm_within
        await self._move(
            states.State.COMMITTING, persist=persist, sent=True, deadline=deadline(self._p)
        )
        try:
            await talk.call(
                "commit",
                lambda session: session.commit(confirm_within=seconds, persist=persist),
                silence=errors.CommitUnknown,
            )
        except errors.ChangeRejected:
            await talk.tidy()
            raise
        await self._move(states.State.HELD, deadline=deadline(self._p))

    async def _move(self, state: states.State, **values: object) -> None:
        self._one = await self._p.journal.write(
            str(state),
            lambda c: participant_rows.move(c, self._one, state, self._p.clock.now(), **values),
        )

    async def _blame(self, trouble: errors.DeviceError | errors.Conflict) -> None:
        cause = waits.cause_of(trouble)
        reason = trouble.reason
        await self._p.journal.write(
            "blame",
            lambda c: participant_rows.move(
                c,
                self._one,
                self._one.state,
                self._p.clock.now(),
                cause=cause,
                reason=reason,
                who=waits.helper(trouble),
            ),
        )
        self._one = dataclasses.replace(self._one, cause=cause, reason=reason)
