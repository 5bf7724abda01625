"""Decides what a device is that offers no safe way to be changed: it is read and never written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oss_agent.errors import ChangeRejected, DeviceRefused
from oss_agent.spi.device import Pending
from oss_agent.spi.tree import Edit, Path, Tree

_REASON = (
    "its hello offers neither a candidate nor writable-running with rollback-on-error: a change "
    "could stay half done; switch one of them on"
)


@dataclass(frozen=True, slots=True)
class Unwritable:
    """Staging and committing where there is no rung."""

    device: str
    staged: Sequence[Edit] = ()

    async def lock(self) -> None:
        """DeviceRefused: a person has to look."""
        raise DeviceRefused(self.device, _REASON)

    async def edit(self, edits: Sequence[Edit]) -> None:
        """ChangeRejected: nothing was sent."""
        if edits:
            raise ChangeRejected(self.device, _REASON, tag="operation-not-supported")

    async def commit(self, *, confirm_within: float | None, persist: str | None) -> None:
        """ChangeRejected."""
        del confirm_within, persist
        raise ChangeRejected(self.device, _REASON, tag="operation-not-supported")

    async def unlock(self) -> None:
        """Nothing is held."""

    async def validate(self) -> None:
        """Nothing is staged."""

    async def diff(self) -> str:
        """Nothing is staged."""
        return ""

    async def predict(self, path: Path) -> Tree | None:  # noqa: ARG002 - the Protocol's signature
        """Nothing is staged."""
        return None

    async def discard(self) -> None:
        """Nothing is staged."""

    async def confirm(self, *, persist: str | None) -> None:
        """Nothing was committed."""

    async def probe(self, *, persist: str | None, confirm_within: float) -> Pending:
        """Nothing is pending."""
        del persist, confirm_within
        return Pending.GONE

    async def cancel(self, *, persist: str | None) -> None:
        """Nothing is pending."""
