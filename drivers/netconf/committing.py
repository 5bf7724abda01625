"""Decides what a commit means without a timer, for good: of the candidate, or an edit of running.

``<ok/>`` is the device's word, a refusal too: both are looked at. What a refused commit touched is
read again; where it is not as before, we take our own half back, and say CommitUnknown when that
does not bring it back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.netconf import configuration, operations, undoing
from drivers.netconf.calls import Calls
from drivers.netconf.reading import Reading
from drivers.netconf.staging import InCandidate, InMemory, config
from oss_agent.errors import CommitUnknown, DeviceError, DeviceUnreachable
from oss_agent.spi.device import Pending
from oss_agent.spi.tree import Edit, Path, Tree


class Committing(Protocol):
    """The half of a session from the commit on (spi.device.Session)."""

    async def commit(self, *, confirm_within: float | None, persist: str | None) -> None:
        """Make what is staged live."""
        ...

    async def confirm(self, *, persist: str | None) -> None:
        """Make it permanent."""
        ...

    async def probe(self, *, persist: str | None, confirm_within: float) -> Pending:
        """Find out what is pending."""
        ...

    async def cancel(self, *, persist: str | None) -> None:
        """Undo what is pending."""
        ...


class _Store(Protocol):
    """How one kind of store is written; ``make_live`` is for good."""

    @property
    def device(self) -> str: ...

    @property
    def staged(self) -> Sequence[Edit]: ...

    async def make_live(self) -> None: ...

    async def forget(self) -> None: ...

    async def put(self, edits: Sequence[Edit]) -> None: ...


@dataclass(frozen=True, slots=True)
class ForGood:
    """A store without a timer: nothing is ever pending."""

    store: _Store
    reading: Reading

    async def commit(self, *, confirm_within: float | None, persist: str | None) -> None:
        """Live for good; the timer and the token mean nothing here."""
        del confirm_within, persist
        paths = undoing.touched(self.store.staged, self.reading.platform.configuration)
        before = await self.reading.running(paths) if paths else None
        try:
            await self.store.make_live()
        except (CommitUnknown, DeviceUnreachable):
            raise
        except DeviceError as refusal:
            await self.store.forget()
            if before is not None:
                await self._demand_unchanged(paths, before, refusal)
            raise

    async def confirm(self, *, persist: str | None) -> None:
        """Nothing: it is permanent already."""

    async def probe(self, *, persist: str | None, confirm_within: float) -> Pending:
        """Nothing is."""
        del persist, confirm_within
        return Pending.GONE

    async def cancel(self, *, persist: str | None) -> None:
        """Nothing is pending; the engine's own undo is the way back."""

    async def _demand_unchanged(
        self, paths: Sequence[Path], before: Tree, refusal: DeviceError
    ) -> None:
        """CommitUnknown unless running is as ``before``, by itself or because we made it so."""
        try:
            now = await self.reading.running(paths)
            if now == before:
                return
            await self.store.put(undoing.restoration(before, now, paths))
            if await self.reading.running(paths) == before:
                return
        except DeviceError as trouble:
            reason = (
                f"it refused ({refusal.reason}), what it holds now is not known: {trouble.reason}"
            )
            raise CommitUnknown(self.store.device, reason) from trouble
        reason = f"it refused ({refusal.reason}) and changed a part all the same"
        raise CommitUnknown(self.store.device, reason) from refusal


@dataclass(frozen=True, slots=True)
class Candidate:
    """RFC 6241 8.3 alone."""

    calls: Calls
    staging: InCandidate

    @property
    def device(self) -> str:
        """Whose it is."""
        return self.calls.device

    @property
    def staged(self) -> Sequence[Edit]:
        """Ours in the candidate."""
        return self.staging.staged

    async def make_live(self) -> None:
        """Commit."""
        await self.calls.make_live(operations.commit())
        self.staging.staged.clear()

    async def forget(self) -> None:
        """At once: some devices keep a candidate that failed, for whoever commits next."""
        with contextlib.suppress(DeviceError):
            await self.staging.discard()

    async def put(self, edits: Sequence[Edit]) -> None:
        """Make edits of our own undoing live."""
        await self.staging.edit(edits)
        try:
            await self.make_live()
        except DeviceError:
            await self.forget()
            raise


@dataclass(frozen=True, slots=True)
class Running:
    """RFC 6241 8.2 and 8.5: one edit of running, taken back by the device when it fails."""

    calls: Calls
    staging: InMemory
    test_option: str | None

    @property
    def device(self) -> str:
        """Whose it is."""
        return self.calls.device

    @property
    def staged(self) -> Sequence[Edit]:
        """What waits in memory."""
        return self.staging.staged

    async def make_live(self) -> None:
        """All that waits, in one edit."""
        if self.staging.staged:
            await self.put(self.staging.staged)
        self.staging.staged.clear()

    async def forget(self) -> None:
        """Nothing was staged in the device."""
        self.staging.staged.clear()

    async def put(self, edits: Sequence[Edit]) -> None:
        """Edit running at once."""
        operation = operations.edit_config(
            operations.RUNNING,
            config(edits, self.device, self.staging.reading.platform.configuration),
            default=configuration.default_operation(edits),
            test_option=self.test_option,
            error_option=operations.ROLLBACK_ON_ERROR,
        )
        await self.calls.make_live(operation)
