"""Decides what a confirmed commit means: by its token, or tied to the session that sent it.

RFC 6241 8.4. With a token (``:confirmed-commit:1.1``) any session follows up, confirms or cancels.
Without one only this session can, and its end is the undo; a plain ``<commit/>`` is then answered
with ``<ok/>`` whether or not anything was pending, so our own clock says when the timer has rung,
and a caller reads back.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from drivers.netconf import operations
from drivers.netconf.calls import Calls
from drivers.netconf.staging import InCandidate
from oss_agent.errors import ChangeRejected, DeviceBusy, DeviceError
from oss_agent.spi.device import Pending

_CANCEL_PROBE = 10.0  # seconds: what a commit that would not be cancelled still has to live
_WRONG_TOKEN = "invalid-value"  # noqa: S105 - an error-tag: RFC 6241's YANG, of persist-id
_NOTHING = "operation-failed"
"""How netconfd and the simulated device refuse a token when nothing is pending. RFC 6241 names no
error for it, and a commit that fails has the same one: see ``_proven_gone``."""


@dataclass(slots=True)
class WithTimer:
    """A store whose commits undo themselves.

    ``tokens``: persist is offered. ``cancels``: ``<cancel-commit>`` is. ``lock_tells``: running may
    be locked for a moment, which RFC 6241 7.5 forbids while a commit is pending.
    """

    calls: Calls
    staging: InCandidate
    tokens: bool
    cancels: bool
    lock_tells: bool
    _ours_until: float | None = None

    async def commit(self, *, confirm_within: float | None, persist: str | None) -> None:
        """Live, and undone unless confirmed. A refused commit's candidate is discarded at once."""
        token = self._token(persist)
        try:
            await self.calls.make_live(
                operations.commit(confirm_within=confirm_within, persist=token)
            )
        except DeviceError:
            if self.calls.exchange.ended is None:
                with contextlib.suppress(DeviceError):
                    await self.staging.discard()
            raise
        self.staging.staged.clear()
        self._arm(confirm_within, token)

    async def confirm(self, *, persist: str | None) -> None:
        """Permanent, and nothing else.

        The candidate is reset first: after a crash it is not ours any more, and the confirming
        commit would make another session's edit live.
        """
        token = self._token(persist)
        if token is None and not self._is_ours():
            reason = "nothing is pending in this session: what was ended with its own session"
            raise ChangeRejected(self.calls.device, reason, tag=_NOTHING)
        await self.staging.discard()
        await self.calls.make_live(operations.commit(persist_id=token))
        self._ours_until = None

    async def probe(self, *, persist: str | None, confirm_within: float) -> Pending:
        """A follow-up confirmed commit of a clean candidate: it re-arms the timer, or says why not.

        DeviceBusy when another session's lock hides the answer; ChangeRejected when the refusal
        tells nothing about what is pending.
        """
        token = self._token(persist)
        if token is None and not self._is_ours():
            return Pending.GONE
        await self.staging.discard()
        follow_up = operations.commit(
            confirm_within=confirm_within, persist=token, persist_id=token
        )
        try:
            await self.calls.make_live(follow_up)
        except ChangeRejected as refusal:
            return await self._told_by(refusal)
        self._arm(confirm_within, token)
        return Pending.HELD

    async def cancel(self, *, persist: str | None) -> None:
        """Undo. Safe when nothing is pending.

        Servers refuse with the same words when nothing is pending and when they fail; only a probe
        tells. ChangeRejected when the commit is still there: its timer then ends it.
        """
        token = self._token(persist)
        if token is None:
            await self._end_ours()
            return
        try:
            await self.calls.make_live(operations.cancel_commit(token))
        except ChangeRejected:
            found = await self.probe(persist=token, confirm_within=_CANCEL_PROBE)
            if found is Pending.HELD:
                raise

    async def _end_ours(self) -> None:
        if not self._is_ours():
            return
        self._ours_until = None
        if self.cancels:
            # Refused: the timer rang meanwhile.
            with contextlib.suppress(ChangeRejected):
                await self.calls.make_live(operations.cancel_commit(None))
            return
        # RFC 4741 8.4 has no other way: the end of the session is the undo.
        await self.calls.do(operations.close_session())
        self.calls.exchange.end("the session was closed to undo its unconfirmed commit")

    async def _told_by(self, refusal: ChangeRejected) -> Pending:
        if refusal.tag == _WRONG_TOKEN:
            return Pending.OTHERS
        if refusal.tag != _NOTHING:
            raise refusal
        return await self._proven_gone(refusal)

    async def _proven_gone(self, refusal: ChangeRejected) -> Pending:
        """DeviceBusy when running cannot be locked: something is pending, whatever was said."""
        if not self.lock_tells or operations.RUNNING in self.staging.locks.held:
            return Pending.UNCLEAR
        try:
            await self.calls.do(operations.lock(operations.RUNNING))
        except DeviceBusy as busy:
            reason = f"{refusal.reason}; and running cannot be locked: {busy.reason}"
            raise DeviceBusy(self.calls.device, reason, holder=busy.holder) from busy
        await self.calls.do(operations.unlock(operations.RUNNING))
        return Pending.GONE

    def _token(self, persist: str | None) -> str | None:
        return persist if self.tokens else None

    def _arm(self, confirm_within: float | None, token: str | None) -> None:
        self._ours_until = None
        if confirm_within is not None and token is None:
            self._ours_until = asyncio.get_running_loop().time() + confirm_within

    def _is_ours(self) -> bool:
        """Whether a commit of this session, without a token, still waits by our clock."""
        return self._ours_until is not None and (
            asyncio.get_running_loop().time() < self._ours_until
        )
