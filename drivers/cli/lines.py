"""Decides what a transaction means on a command line (spi.device.Session, rung LINES).

There is no candidate: edits are kept here and sent as one block by ``commit``, live line by line. At
the first line that is not accepted the block stops, what is different by then at our own paths is
put back, and the device is looked at: only if its whole configuration is as before is that
ChangeRejected. There is no lock of the device's own either; who else configures is only noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, TypeVar

from device_models import model
from drivers import keeping, observation, selection, text
from drivers.cli import answers, block, delivery, difference, ground, running
from drivers.cli.grammar import Grammar
from drivers.cli.shell import Silent, Stopped
from drivers.cli.talking import Talk
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
)
from oss_agent.spi.device import Capability, Datastore, Pending, Whole
from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import Edit, Path, Tree

T = TypeVar("T")

_READ_IN_THREAD = 256 * 1024  # characters; above this, reading would hold the loop for long


class LinesSession:
    """One command-line configuration, held by one transaction at a time."""

    def __init__(
        self,
        device: str,
        store: model.CommandLine,
        talk: Talk,
        observe: observation.Observe,
    ) -> None:
        self._device = device
        self._store = store
        self._facts = store.shell
        self._grammar = Grammar(store.grammar)
        self._talk = talk
        self._observe = observe
        self._staged: list[Edit] = []
        self._asking = asyncio.Lock()

    @property
    def offers(self) -> frozenset[Capability]:
        """As declared: a command line has no hello."""
        return self._store.capabilities

    async def lock(self) -> None:
        """Start clean. DeviceBusy when somebody else is seen configuring.

        It holds nobody off: the lease is the only fence, and ``commit`` looks again.
        """
        self._staged = []
        await self._see_nobody_else()
        try:
            await self._in_configuration_mode(())
        except (delivery.Refused, Stopped) as no:
            raise DeviceRefused(self._device, f"it does not let us configure: {no}") from no

    async def unlock(self) -> None:
        """Nothing is ever locked."""

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Keep the edits. ChangeRejected when one could not be sent as lines."""
        self._block([*self._staged, *edits])
        self._staged += edits

    async def validate(self) -> None:
        """A command line has no opinion before a line is live; what our lines stand on must be there.

        ChangeRejected where it is not: entering it would make it, and nobody would take it back.
        """
        if not (self._staged and self._store.grammar.needs):
            return
        reason = ground.lacking(await self._show(), self._staged, self._grammar)
        if reason:
            raise ChangeRejected(self._device, reason, tag="data-missing")

    async def diff(self) -> str:
        """The lines that ``commit`` would send now, indented by section."""
        if not self._staged:
            return ""
        now = await self._made_of(await self._show(), running.read)
        target = self._applied(now)
        return block.text(self._block(difference.between(now, target)))

    async def predict(self, path: Path) -> Tree | None:  # noqa: ARG002 - the Protocol's signature
        """A command line has not seen a line before it is live."""
        return None

    async def commit(
        self,
        *,
        confirm_within: float | None = None,  # noqa: ARG002 - there is no timer
        persist: str | None = None,  # noqa: ARG002 - same
    ) -> None:
        """Send the staged edits.

        ChangeRejected: not accepted, taken back, looked at. CommitUnknown: anything else.
        """
        if not self._staged:
            return
        before = await self._show()
        self._applied(await self._made_of(before, running.read))
        lines = self._block(self._staged)
        try:
            await self._in_configuration_mode(lines)
        except (delivery.Refused, Stopped) as no:
            await self._go_back(before, no)
        self._staged = []

    async def confirm(self, *, persist: str | None = None) -> None:
        """Nothing is ever unconfirmed."""

    async def probe_pending(
        self,
        *,
        persist: str | None,  # noqa: ARG002 - the Protocol's signature
        confirm_within: float,  # noqa: ARG002 - same
    ) -> Pending:
        """Nothing is ever pending."""
        return Pending.GONE

    async def cancel(self, *, persist: str | None = None) -> None:
        """Nothing is ever pending."""

    async def discard(self) -> None:
        """Forget what was staged."""
        self._staged = []

    async def save(self) -> None:
        """Running to startup, where the platform has a command for it."""
        if self._facts.save is None:
            return
        answer = await self._asked(self._facts.save)
        if not answers.saved(answer, self._facts):
            said = text.line(answer) or "nothing"
            raise DeviceRefused(self._device, f"{self._facts.save!r} was answered with {said!r}")

    async def read(self, *paths: Path) -> Tree:
        """What the running configuration has at ``paths``."""
        return selection.only(await self._made_of(await self._show(), running.read), paths)

    async def snapshot(self) -> str:
        """The whole running configuration, without what changes by itself."""
        return await self._made_of(await self._show(), running.snapshot)

    async def whole(self, datastore: Datastore) -> Whole | None:
        """What the platform's command shows of it; a pager or an error in it is no answer at all."""
        running_now = datastore is Datastore.RUNNING
        command = self._facts.show if running_now else self._facts.show_startup
        if command is None:
            return None
        shown = await self._asked(command, self._facts.show_within)
        canonical = await self._made_of(shown, running.snapshot)
        return Whole(canonical, keeping.lacking(canonical, self._store.kept))

    async def observe(self, question: Question) -> Observation:
        """Answer by the platform's observe.yaml."""
        return await self._observe(question)

    async def _see_nobody_else(self) -> None:
        if self._facts.others is None:
            return
        found = answers.others(await self._asked(self._facts.others), self._facts)
        if found is not None:
            raise DeviceBusy(self._device, "somebody else is configuring", holder=found)

    async def _in_configuration_mode(self, lines: Sequence[block.Command]) -> None:
        """Send lines. Refused and Stopped are the caller's; before the first one none was sent."""
        shell = await self._reached(self._talk.shell())
        try:
            await self._reached(delivery.enter(shell, self._facts))
        except delivery.Busy as busy:
            raise DeviceBusy(self._device, str(busy), holder=str(busy)) from busy
        except delivery.Refused as no:
            raise DeviceRefused(self._device, f"it does not let us configure: {no}") from no
        try:
            async with asyncio.timeout(self._facts.block_within):
                await delivery.deliver(shell, lines, self._facts)
                await delivery.leave(shell, self._facts)
        except (Silent, TimeoutError) as silence:
            await self._talk.close()
            raise self._unknown(f"the block was cut off: {silence}") from silence

    async def _go_back(self, before: str, no: Exception) -> NoReturn:
        """Put our own paths back as they were before, look, and say what was found."""
        try:
            after = await self._restored(before)
        except (delivery.Refused, Stopped, block.Unsendable, running.Unreadable) as worse:
            raise self._unknown(f"{no}; taking it back: {worse}") from no
        except (DeviceUnreachable, DeviceBusy, DeviceRefused) as gone:
            raise self._unknown(f"{no}; taking it back: {gone.reason}") from no
        if running.snapshot(after, self._grammar) != running.snapshot(before, self._grammar):
            raise self._unknown(f"{no}; afterwards the configuration is not as before") from no
        line = no.line if isinstance(no, delivery.Refused) else ""
        rejected = ChangeRejected(self._device, str(no), tag="operation-failed", path=line)
        rejected.add_note(self._talk.transcript)
        raise rejected from no

    async def _restored(self, before: str) -> str:
        """The configuration after what we left in it is taken back."""
        await self._talk.close()  # whatever mode or question the last conversation ended in
        now = await self._made_of(await self._show(), running.read)
        old = await self._made_of(before, running.read)
        wanted = difference.restricted(now, old, self._staged)
        undo = block.commands(difference.between(now, wanted), self._grammar)
        if undo:
            await self._in_configuration_mode(undo)
        return await self._show()

    async def _show(self) -> str:
        return await self._asked(self._facts.show, self._facts.show_within)

    async def _asked(self, line: str, within: float | None = None) -> str:
        """The answer to a command that changes no running configuration."""
        async with self._asking:  # a conversation is one thing after another, several may ask
            shell = await self._reached(self._talk.shell())
            answer = await self._reached(shell.send([line], within=within))
        wrong = answers.error(answer, self._facts)
        if wrong is not None:
            raise DeviceRefused(self._device, f"{line!r} was answered with {wrong!r}")
        return answer

    async def _reached(self, asked: Awaitable[T]) -> T:
        """What was asked before anything could change."""
        try:
            return await asked
        except (Silent, Stopped) as ended:
            await self._talk.close()
            raise DeviceUnreachable(self._device, str(ended)) from ended

    async def _made_of(self, configuration: str, make: Callable[[str, Grammar], T]) -> T:
        try:
            if len(configuration) > _READ_IN_THREAD:
                return await asyncio.to_thread(make, configuration, self._grammar)
            return make(configuration, self._grammar)
        except running.Unreadable as wrong:
            raise DeviceRefused(self._device, f"its configuration: {wrong}") from wrong

    def _block(self, edits: Sequence[Edit]) -> tuple[block.Command, ...]:
        try:
            return block.commands(edits, self._grammar)
        except (block.Unsendable, difference.Misfit) as wrong:
            raise ChangeRejected(
                self._device, text.line(str(wrong)), tag="invalid-value"
            ) from wrong

    def _applied(self, before: Tree) -> Tree:
        try:
            return difference.applied(before, self._staged, self._grammar.setting)
        except difference.Misfit as wrong:
            reason = text.line(str(wrong))
            raise ChangeRejected(self._device, reason, tag=wrong.tag) from wrong

    def _unknown(self, reason: str) -> CommitUnknown:
        unknown = CommitUnknown(self._device, reason)
        unknown.add_note(self._talk.transcript)
        return unknown
