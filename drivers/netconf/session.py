"""Decides the order and meaning of NETCONF operations for one participant (spi.device.Session).

The rung: candidate, confirmed commit with persist (RFC 6241 8.3 and 8.4). A commit never shares a
flight with an edit, and one whose answer is lost is CommitUnknown: the device may have done it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from device_models import model
from drivers import observation
from drivers.netconf import canonical, configuration, document, faults, hello, operations, rpc
from drivers.netconf.document import Element
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    DeviceBusy,
    DeviceError,
    DeviceRefused,
    DeviceUnreachable,
)
from oss_agent.spi.device import Capability, Pending
from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import Edit, Path, Tree

T = TypeVar("T")

_WALK_IN_THREAD = 5_000  # nodes; above this, a walk would hold the loop for a tenth of a second
_CANCEL_PROBE = 10.0  # seconds: what a commit that would not be cancelled still has to live
_WRONG_TOKEN = "invalid-value"  # noqa: S105 - an error-tag: another persist token is pending


class NetconfSession:
    """One NETCONF session, held by one transaction at a time."""

    def __init__(
        self,
        device: str,
        platform: model.Platform,
        greeted: hello.Hello,
        exchange: rpc.Exchange,
        observe: observation.Observe,
    ) -> None:
        self._device = device
        self._platform = platform
        self._hello = greeted
        self._exchange = exchange
        self._observe = observe
        self._locks: list[str] = []

    @property
    def offers(self) -> frozenset[Capability]:
        """What the hello offers, and of the rest what the platform declares."""
        return self._hello.offers() | (self._platform.capabilities - hello.SPOKEN)

    async def lock(self) -> None:
        """Lock what the platform's data say, all or none, the candidate clean.

        The candidate is reset before its lock, because a dirty one cannot be locked, and after it,
        because until then others could edit. DeviceBusy names the holder where the device does.
        """
        try:
            for datastore in self._platform.netconf.locks:
                await self._lock(datastore)
        except DeviceError:
            await self.unlock()
            raise

    async def unlock(self) -> None:
        """Give the locks back. Safe when not held; a closed session holds none."""
        while self._locks:
            datastore = self._locks.pop()
            if self._exchange.ended is None:
                await self._do(operations.unlock(datastore))

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Stage the edits in the candidate."""
        if not edits:
            return
        operation = operations.edit_candidate(
            self._config(edits),
            default=configuration.default_operation(edits),
            test_option=self._test_option(),
        )
        await self._do(operation)

    async def validate(self) -> None:
        """The device's own opinion, only where the platform's data call that harmless."""
        if self._platform.netconf.validate_harmless and self._hello.has("validate:1.1"):
            await self._do(operations.validate_candidate())

    async def diff(self) -> str:
        """Running against candidate, canonical, as a unified diff; NETCONF has no native one."""
        running = await self._canonical(operations.RUNNING)
        return canonical.difference(running, await self._canonical(operations.CANDIDATE))

    async def commit(
        self, *, confirm_within: float | None = None, persist: str | None = None
    ) -> None:
        """Make the candidate live; CommitUnknown when no answer came."""
        await self._do_commit(operations.commit(confirm_within=confirm_within, persist=persist))

    async def confirm(self, *, persist: str | None = None) -> None:
        """Make a confirmed commit permanent, and nothing else.

        With a token the candidate is reset first: after a crash it is not ours any more, and the
        confirming commit would make another session's edit live.
        """
        if persist is not None:
            await self.discard()
        await self._do_commit(operations.commit(persist_id=persist))

    async def probe_pending(self, *, persist: str | None, confirm_within: float) -> Pending:
        """A follow-up confirmed commit of a clean candidate: it re-arms the timer, or says why not.

        DeviceBusy when another session's lock hides the answer.
        """
        await self.discard()
        follow_up = operations.commit(
            confirm_within=confirm_within, persist=persist, persist_id=persist
        )
        try:
            await self._do_commit(follow_up)
        except ChangeRejected as refusal:
            return Pending.OTHERS if refusal.tag == _WRONG_TOKEN else Pending.GONE
        return Pending.HELD

    async def cancel(self, *, persist: str | None = None) -> None:
        """Undo a pending confirmed commit. Safe when nothing is pending.

        Servers refuse with the same words when nothing is pending and when they fail; only a probe
        tells. ChangeRejected when the commit is still there: its timer then ends it.
        """
        try:
            await self._do_commit(operations.cancel_commit(persist))
        except ChangeRejected:
            if persist is None:
                return
            found = await self.probe_pending(persist=persist, confirm_within=_CANCEL_PROBE)
            if found is Pending.HELD:
                raise

    async def discard(self) -> None:
        """Reset the candidate to running."""
        await self._do(operations.discard_changes())

    async def save(self) -> None:
        """Running to startup where the device offers :startup."""
        if Capability.STARTUP in self.offers:
            await self._do(operations.save_running())

    async def read(self, path: Path) -> Tree:
        """What running has at ``path``. DeviceRefused when it does not fit the schema."""
        schema = self._platform.configuration
        selection = configuration.subtree_filter(path, schema)
        data = await self._data(operations.get_config(operations.RUNNING, selection))
        try:
            return configuration.only(await self._made_of(data, configuration.read), path)
        except configuration.Mismatch as wrong:
            reason = f"its configuration does not fit {self._platform.platform}: {wrong}"
            raise DeviceRefused(self._device, reason) from wrong

    async def snapshot(self) -> str:
        """The whole of running, canonical."""
        return await self._canonical(operations.RUNNING)

    async def observe(self, question: Question) -> Observation:
        """Answer by the platform's observe.yaml."""
        return await self._observe(question)

    async def _lock(self, datastore: str) -> None:
        if datastore == operations.CANDIDATE:
            # Refused while another session has the lock; the refusal of the lock then says which.
            with contextlib.suppress(DeviceBusy):
                await self.discard()
        await self._do(operations.lock(datastore))
        self._locks.append(datastore)
        if datastore == operations.CANDIDATE:
            await self.discard()

    def _config(self, edits: Sequence[Edit]) -> Element:
        try:
            return configuration.edit_config(edits, self._platform.configuration)
        except (configuration.Mismatch, ValueError) as wrong:
            # lxml refuses control characters, the schema what it does not know: nothing was sent.
            raise ChangeRejected(self._device, str(wrong), tag="invalid-value") from wrong

    def _test_option(self) -> str | None:
        return self._platform.netconf.test_option if self._hello.has("validate:1.1") else None

    async def _canonical(self, datastore: str) -> str:
        return await self._made_of(
            await self._data(operations.get_config(datastore)), canonical.text
        )

    async def _made_of(self, data: Element, make: Callable[[Element, model.Schema], T]) -> T:
        schema = self._platform.configuration
        if sum(1 for _ in data.iter()) > _WALK_IN_THREAD:
            return await asyncio.to_thread(make, data, schema)
        return make(data, schema)

    async def _data(self, operation: Element) -> Element:
        reply = await self._reply(operation, self._platform.netconf.rpc_within)
        data = document.child(reply, "data")
        if data is None:
            raise self._senseless(operation)
        return data

    async def _do(self, operation: Element) -> None:
        reply = await self._reply(operation, self._platform.netconf.rpc_within)
        if not operations.succeeded(reply):
            raise self._senseless(operation)

    async def _do_commit(self, operation: Element) -> None:
        try:
            reply = await self._call(operation, self._platform.netconf.commit_within)
        except rpc.NoAnswer as silence:
            if not silence.sent:
                raise DeviceUnreachable(self._device, silence.reason) from silence
            raise CommitUnknown(self._device, silence.reason) from silence
        if not operations.succeeded(reply):
            raise CommitUnknown(self._device, str(self._senseless(operation)))

    async def _reply(self, operation: Element, within: float) -> Element:
        try:
            return await self._call(operation, within)
        except rpc.NoAnswer as silence:
            raise DeviceUnreachable(self._device, silence.reason) from silence

    async def _call(self, operation: Element, within: float) -> Element:
        reply = await self._exchange.call(operation, within=within)
        errors = faults.errors_of(reply)
        if errors:
            raise faults.of(self._device, errors)
        return reply

    def _senseless(self, operation: Element) -> DeviceUnreachable:
        name = document.local(operation)
        return DeviceUnreachable(
            self._device, f"{name} was answered with neither ok, data nor error"
        )
