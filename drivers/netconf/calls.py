"""Decides what an operation's answer, or none, means to the caller: ok, data or which error.

A commit without a clear answer is CommitUnknown: the device may have done it. Whatever else goes
unanswered changed nothing that is live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device_models import model
from drivers.netconf import document, faults, operations, rpc
from drivers.netconf.document import Element
from oss_agent.errors import CommitUnknown, DeviceUnreachable


class Exchange(Protocol):
    """How requests travel: our own client, or another library's (``compatibility``)."""

    @property
    def ended(self) -> str | None:
        """Why no request can be sent any more, or None."""
        ...

    async def call(self, operation: Element, *, within: float, reads: bool = False) -> Element:
        """The rpc-reply to one operation; what only ``reads`` may fail alone. rpc.NoAnswer."""
        ...

    def end(self, reason: str) -> None:
        """Hang up."""
        ...

    def listen(self, heard: Callable[[Element], None] | None) -> None:
        """Hand notifications (RFC 5277) over from now on; None: to nobody."""
        ...


@dataclass(frozen=True, slots=True)
class Calls:
    """The operations of one session, one after another or reads in flight together."""

    device: str
    netconf: model.Netconf
    exchange: Exchange

    async def do(self, operation: Element) -> None:
        """Carry out what is answered with ``<ok/>``."""
        reply = await self._reply(operation)
        if not operations.succeeded(reply):
            raise self._senseless(operation)

    async def data(self, operation: Element) -> Element:
        """Ask for what is answered with ``<data>``."""
        data = document.child(await self._reply(operation, reads=True), "data")
        if data is None:
            raise self._senseless(operation)
        return data

    async def make_live(self, operation: Element) -> None:
        """Carry out what changes running. CommitUnknown when no clear answer came."""
        try:
            reply = await self._call(operation, self.netconf.commit_within)
        except rpc.NoAnswer as silence:
            if not silence.sent:
                raise DeviceUnreachable(self.device, silence.reason) from silence
            raise CommitUnknown(self.device, silence.reason) from silence
        if not operations.succeeded(reply):
            raise CommitUnknown(self.device, self._senseless(operation).reason)

    async def _reply(self, operation: Element, *, reads: bool = False) -> Element:
        try:
            return await self._call(operation, self.netconf.rpc_within, reads=reads)
        except rpc.NoAnswer as silence:
            raise DeviceUnreachable(self.device, silence.reason) from silence

    async def _call(self, operation: Element, within: float, *, reads: bool = False) -> Element:
        reply = await self.exchange.call(operation, within=within, reads=reads)
        errors = faults.errors_of(reply)
        if errors:
            raise faults.of(self.device, errors)
        return reply

    def _senseless(self, operation: Element) -> DeviceUnreachable:
        name = document.local(operation)
        return DeviceUnreachable(
            self.device, f"{name} was answered with neither ok, data nor error"
        )
