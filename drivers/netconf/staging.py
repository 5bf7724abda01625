"""Decides where edits wait until they are committed: in the candidate, or in our own memory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from device_models import model
from drivers import selection
from drivers.netconf import canonical, configuration, operations, trees
from drivers.netconf.calls import Calls
from drivers.netconf.document import Element
from drivers.netconf.locks import Locks
from drivers.netconf.reading import Reading
from oss_agent.errors import ChangeRejected, DeviceBusy, DeviceError
from oss_agent.spi.tree import Edit, Path, Tree


class Staging(Protocol):
    """The half of a session before the commit (spi.device.Session); ``staged`` since it was clean."""

    @property
    def staged(self) -> Sequence[Edit]:
        """What a commit would carry out, as far as this session put it there."""
        ...

    async def lock(self) -> None:
        """Lock, all or nothing, and start clean."""
        ...

    async def unlock(self) -> None:
        """Give the locks back."""
        ...

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Stage."""
        ...

    async def validate(self) -> None:
        """Ask the device."""
        ...

    async def diff(self) -> str:
        """Tell what is staged."""
        ...

    async def predict(self, path: Path) -> Tree | None:
        """Tell what it would leave at ``path``."""
        ...

    async def discard(self) -> None:
        """Start clean."""
        ...


def config(edits: Sequence[Edit], device: str, schema: model.Schema) -> Element:
    """The ``<config>`` of ``edits``; ChangeRejected when they can never be sent."""
    try:
        return configuration.edit_config(edits, schema)
    except (trees.Mismatch, ValueError) as wrong:
        # lxml refuses control characters, the schema what it does not know: nothing was sent.
        raise ChangeRejected(device, str(wrong), tag="invalid-value") from wrong


@dataclass(slots=True)
class InCandidate:
    """RFC 6241 8.3: the shared candidate. ``validates``: asking for its opinion is harmless."""

    calls: Calls
    reading: Reading
    locks: Locks
    test_option: str | None
    validates: bool
    staged: list[Edit] = field(default_factory=list[Edit])

    async def lock(self) -> None:
        """The candidate is reset before its lock and after it.

        Before, because a dirty one cannot be locked; after, because until then others could edit.
        """
        try:
            for datastore in self.locks.wanted:
                await self._lock(datastore)
        except DeviceError:
            await self.unlock()
            raise

    async def unlock(self) -> None:
        """Safe when not held."""
        await self.locks.release()

    async def edit(self, edits: Sequence[Edit]) -> None:
        """One edit-config of the candidate."""
        if not edits:
            return
        operation = operations.edit_config(
            operations.CANDIDATE,
            config(edits, self.calls.device, self.reading.platform.configuration),
            default=configuration.default_operation(edits),
            test_option=self.test_option,
        )
        await self.calls.do(operation)
        self.staged.extend(edits)

    async def validate(self) -> None:
        """Only where the platform's data call that harmless."""
        if self.validates:
            await self.calls.do(operations.validate_candidate())

    async def diff(self) -> str:
        """Running against candidate, canonical, as a unified diff; NETCONF has no native one."""
        running = await self.reading.text(operations.RUNNING)
        return canonical.difference(running, await self.reading.text(operations.CANDIDATE))

    async def predict(self, path: Path) -> Tree | None:
        """The candidate itself, only where the platform's data call that cheap and harmless."""
        if not self.reading.platform.netconf.predict:
            return None
        return selection.only(await self.reading.at(operations.CANDIDATE, [path]), [path])

    async def discard(self) -> None:
        """RFC 6241 8.3.4.2."""
        await self.calls.do(operations.discard_changes())
        self.staged.clear()

    async def _lock(self, datastore: str) -> None:
        if datastore == operations.CANDIDATE:
            # Refused while another session has the lock; the refusal of the lock then says which.
            with contextlib.suppress(DeviceBusy):
                await self.discard()
        await self.locks.take(datastore)
        if datastore == operations.CANDIDATE:
            await self.discard()


@dataclass(slots=True)
class InMemory:
    """RFC 6241 8.2: running is edited directly, so nothing is sent before the commit."""

    calls: Calls
    reading: Reading
    locks: Locks
    staged: list[Edit] = field(default_factory=list[Edit])

    async def lock(self) -> None:
        """Running alone: there is no candidate."""
        await self.locks.take(operations.RUNNING)
        self.staged.clear()

    async def unlock(self) -> None:
        """Safe when not held."""
        await self.locks.release()

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Kept, if they can be sent at all."""
        config(edits, self.calls.device, self.reading.platform.configuration)
        self.staged.extend(edits)

    async def validate(self) -> None:
        """Nothing: the device tests the edit when it gets it, where it offers that."""

    async def diff(self) -> str:
        """The edit that would be sent; there is nothing that the device could compare."""
        return configuration.text(self.staged, self.reading.platform.configuration)

    async def predict(self, path: Path) -> Tree | None:  # noqa: ARG002 - nothing is staged there
        """Nothing: the device has not seen the edit yet."""
        return None

    async def discard(self) -> None:
        """Forget."""
        self.staged.clear()
