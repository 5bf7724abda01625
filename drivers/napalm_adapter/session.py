"""Decides the order and meaning of NAPALM's calls for one participant (spi.device.Session).

The rung is TIMED where the platform's data declare a commit timer, else REPLACE. What was sent and
not answered is unknown; what was refused is looked at before it is called unchanged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from device_models import model
from drivers import keeping, observation, offload, selection, text
from drivers.cli import block, difference, running
from drivers.cli.grammar import Grammar
from drivers.napalm_adapter import failures
from drivers.napalm_adapter.box import Box
from drivers.napalm_adapter.failures import Answer
from oss_agent.errors import ChangeRejected, CommitUnknown, DeviceRefused, DeviceUnreachable
from oss_agent.spi.device import Capability, Datastore, Pending, Whole
from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import Edit, Path, Tree

T = TypeVar("T")


class NapalmSession:
    """One device through NAPALM, held by one transaction at a time."""

    def __init__(
        self,
        device: str,
        platform: model.Platform,
        napalm: model.Napalm,
        lane: offload.Lane,
        box: Box,
        observe: observation.Observe,
    ) -> None:
        self._device = device
        self._offers = platform.capabilities
        self._napalm = napalm
        self._grammar = Grammar(napalm.grammar)
        self._lane = lane
        self._box = box
        self._observe = observe
        self._base: str | None = None
        """running as it was when it was locked, or first staged upon"""

    @property
    def offers(self) -> frozenset[Capability]:
        """As declared: NAPALM has no hello that would say more."""
        return self._offers

    async def lock(self) -> None:
        """Keep others away, nothing staged. DeviceBusy names the holder where the device tells."""
        await self._do(self._box.claim)
        self._base = await self._running()

    async def unlock(self) -> None:
        """Let others configure; a lane that was left holds nothing that it could give back."""
        self._base = None
        if not self._lane.abandoned:
            await self._do(self._box.release)

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Stage the lines. ChangeRejected when they do not fit what is there, or are refused."""
        if not edits:
            return
        if self._base is None:
            self._base = await self._running()
        lines = self._lines(edits)
        try:
            await self._call(functools.partial(self._box.load, lines), self._napalm.call_within)
        except Exception as failure:
            if failures.answer(failure) is Answer.REFUSED:
                raise self._rejected(failure) from failure
            raise failures.outside_a_change(self._device, failure) from failure

    async def validate(self) -> None:
        """Loading validated already; NAPALM has no call that only judges."""

    async def diff(self) -> str:
        """The device's own difference."""
        return text.clean(await self._do(self._box.compare)) if self._box.staged else ""

    async def predict(self, path: Path) -> Tree | None:
        """What the device's own candidate has at ``path``, where its box can show one."""
        staged = await self._do(self._box.candidate) if self._box.staged else None
        return None if staged is None else self._at(staged, [path])

    async def commit(
        self,
        *,
        confirm_within: float | None = None,
        persist: str | None = None,  # noqa: ARG002 - a commit timer has no token
    ) -> None:
        """Make it live, with the device's timer where it has one. Nothing staged: nothing done."""
        if not self._box.staged:
            return
        before = await self._unmoved()
        work = self._box.commit
        if confirm_within is not None and self._timed:
            work = functools.partial(self._box.commit_for, self._whole(confirm_within))
        try:
            await self._call(work, self._napalm.commit_within)
        except Exception as failure:  # noqa: BLE001 - always raised on, as what it means
            await self._not_committed(failure, before)
        self._base = None

    async def confirm(self, *, persist: str | None = None) -> None:  # noqa: ARG002 - no token
        """Make a timed commit permanent. ChangeRejected when none of ours is pending."""
        if self._timed:
            await self._finish(self._box.confirm)

    async def probe_pending(
        self,
        *,
        persist: str | None,  # noqa: ARG002 - no token
        confirm_within: float,
    ) -> Pending:
        """Ask the device; let the timer of ours begin anew."""
        found = await self._do(self._box.pending) if self._timed else Pending.GONE
        if found is Pending.HELD:
            await self._do(functools.partial(self._box.rearm, self._whole(confirm_within)))
        return found

    async def cancel(self, *, persist: str | None = None) -> None:  # noqa: ARG002 - no token
        """Take a timed commit back now. CommitUnknown when no answer came."""
        if self._timed:
            await self._finish(self._box.undo)

    async def discard(self) -> None:
        """Forget what is staged."""
        if self._box.staged:
            await self._do(self._box.discard)

    async def save(self) -> None:
        """Nothing: NAPALM saves to startup with the commit, and with the confirm of a timed one."""

    async def read(self, *paths: Path) -> Tree:
        """What running has at ``paths``. DeviceRefused when it is no configuration."""
        return self._at(await self._running(), paths)

    async def snapshot(self) -> str:
        """The whole of running, without what changes by itself."""
        return running.snapshot(await self._running(), self._grammar)

    async def whole(self, datastore: Datastore) -> Whole | None:
        """What NAPALM gets of it; None where it gets no startup."""
        running_now = datastore is Datastore.RUNNING
        shown = await self._do(self._box.running if running_now else self._box.startup)
        if not (shown or running_now):
            return None
        canonical = self._comparable(shown)
        return Whole(canonical, keeping.lacking(canonical, self._napalm.kept))

    async def observe(self, question: Question) -> Observation:
        """Answer by the platform's observe.yaml."""
        return await self._observe(question)

    def _at(self, configuration: str, paths: Sequence[Path]) -> Tree:
        try:
            return selection.only(running.read(configuration, self._grammar), paths)
        except running.Unreadable as wrong:
            reason = f"its configuration cannot be read: {wrong}"
            raise DeviceRefused(self._device, reason) from wrong

    @property
    def _timed(self) -> bool:
        return Capability.COMMIT_TIMER in self._offers

    def _whole(self, seconds: float) -> int:
        step = self._napalm.timer_step
        return max(1, math.ceil(seconds / step)) * step

    def _lines(self, edits: Sequence[Edit]) -> str:
        try:
            base = running.read(self._base or "", self._grammar)
            difference.applied(base, edits, self._grammar.setting)
            return block.text(block.commands(edits, self._grammar))
        except difference.Misfit as wrong:
            raise ChangeRejected(self._device, str(wrong), tag=wrong.tag) from wrong
        except (block.Unsendable, running.Unreadable) as wrong:
            raise ChangeRejected(self._device, str(wrong), tag="invalid-value") from wrong

    async def _unmoved(self) -> str:
        """Running, if nobody changed it meanwhile: a session's commit would put theirs away."""
        now = await self._running()
        if self._base is not None and self._comparable(now) != self._comparable(self._base):
            await self.discard()
            reason = "somebody changed its configuration while ours was being staged"
            raise ChangeRejected(self._device, reason, tag="operation-failed")
        return now

    async def _not_committed(self, failure: Exception, before: str) -> NoReturn:
        answer = failures.answer(failure)
        if answer is Answer.UNREACHED:
            raise DeviceUnreachable(self._device, text.reason(failure)) from failure
        if answer is Answer.REFUSED and await self._as_it_was(before):
            raise self._rejected(failure) from failure
        raise CommitUnknown(self._device, text.reason(failure)) from failure

    async def _as_it_was(self, before: str) -> bool:
        try:
            return self._comparable(await self._running()) == self._comparable(before)
        except (DeviceUnreachable, DeviceRefused):
            return False

    async def _finish(self, work: Callable[[], None]) -> None:
        """Confirm or undo: NothingPending is the one refusal that says that nothing was done."""
        try:
            await self._call(work, self._napalm.commit_within)
        except failures.NothingPending as none:
            raise self._rejected(none) from none
        except Exception as failure:
            if failures.answer(failure) is Answer.UNREACHED:
                raise DeviceUnreachable(self._device, text.reason(failure)) from failure
            raise CommitUnknown(self._device, text.reason(failure)) from failure

    async def _running(self) -> str:
        return await self._do(self._box.running)

    def _comparable(self, configuration: str) -> str:
        return running.snapshot(configuration, self._grammar)

    def _rejected(self, failure: Exception) -> ChangeRejected:
        return ChangeRejected(self._device, text.reason(failure), tag="operation-failed")

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await self._call(work, self._napalm.call_within)
        except Exception as failure:
            # NAPALM and what is under it raise whatever hostile output makes them raise.
            raise failures.outside_a_change(self._device, failure) from failure

    async def _call(self, work: Callable[[], T], within: float) -> T:
        return await self._lane.call(work, within)
