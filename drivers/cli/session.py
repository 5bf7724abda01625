"""Decides that a device without a configuration store of ours answers questions and refuses edits."""

from __future__ import annotations

from collections.abc import Sequence

from device_models import model
from drivers import observation
from oss_agent.errors import ChangeRejected
from oss_agent.spi.device import Capability, Datastore, Pending, Whole
from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import EMPTY, Edit, Path, Tree


class ProbeSession:
    """A session (spi.device.Session) that only observes."""

    def __init__(self, device: str, platform: model.Platform, observe: observation.Observe) -> None:
        self._device = device
        self._platform = platform
        self._observe = observe

    @property
    def offers(self) -> frozenset[Capability]:
        """As declared: there is no hello to say more."""
        return self._platform.capabilities

    async def lock(self) -> None:
        """Refused: there is nothing to lock."""
        raise self._refusal()

    async def unlock(self) -> None:
        """Nothing is ever locked."""

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Refused, unless there is nothing to do."""
        if edits:
            raise self._refusal()

    async def validate(self) -> None:
        """Nothing is ever staged."""

    async def diff(self) -> str:
        """Nothing is ever staged."""
        return ""

    async def predict(self, path: Path) -> Tree | None:  # noqa: ARG002 - the Protocol's signature
        """Nothing is ever staged."""
        return None

    async def commit(
        self,
        *,
        confirm_within: float | None = None,  # noqa: ARG002 - the Protocol's signature
        persist: str | None = None,  # noqa: ARG002 - same
    ) -> None:
        """Refused."""
        raise self._refusal()

    async def confirm(self, *, persist: str | None = None) -> None:  # noqa: ARG002 - same
        """Refused: nothing is ever pending."""
        raise self._refusal()

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
        """Nothing is ever staged."""

    async def save(self) -> None:
        """There is nothing to save."""

    async def read(self, *paths: Path) -> Tree:  # noqa: ARG002 - the Protocol's signature
        """No configuration of ours."""
        return EMPTY

    async def snapshot(self) -> str:
        """No configuration of ours."""
        return ""

    async def whole(self, datastore: Datastore) -> Whole | None:  # noqa: ARG002 - same
        """No configuration of ours."""
        return None

    async def observe(self, question: Question) -> Observation:
        """Answer by the platform's observe.yaml."""
        return await self._observe(question)

    def _refusal(self) -> ChangeRejected:
        reason = f"a {self._platform.platform} is only asked, never configured"
        return ChangeRejected(self._device, reason, tag="operation-not-supported")
