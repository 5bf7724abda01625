"""Decides nothing of its own: one NETCONF session, made of the strategy its hello allows."""

from __future__ import annotations

from collections.abc import Sequence

from device_models import model
from drivers import keeping, observation, selection
from drivers.netconf import asking, hello, ladder, operations
from drivers.netconf.calls import Calls, Exchange
from drivers.netconf.reading import Reading
from oss_agent.spi.device import Capability, Datastore, Pending, Whole
from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import Edit, Path, Tree


class NetconfSession:
    """spi.device.Session over one exchange; held by one transaction at a time."""

    def __init__(
        self,
        device: str,
        platform: model.Platform,
        greeted: hello.Hello,
        exchange: Exchange,
        observe: observation.Observe,
        now: observation.Now = observation.utc,
    ) -> None:
        self._platform = platform
        self._hello = greeted
        self._calls = Calls(device, platform.netconf, exchange)
        self._asking = asking.Asking(self._calls, platform, greeted, observe, now)
        self._reading = Reading(self._calls, platform)
        self._staging, self._committing = ladder.strategy(self._calls, self._reading, greeted)

    @property
    def offers(self) -> frozenset[Capability]:
        """What the hello offers, and of the rest what the platform declares."""
        return self._hello.offers() | (self._platform.capabilities - hello.SPOKEN)

    async def lock(self) -> None:
        """Lock what the rung needs and the platform's data say, all or none, and start clean."""
        await self._staging.lock()

    async def unlock(self) -> None:
        """Give the locks back."""
        await self._staging.unlock()

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Stage the edits."""
        await self._staging.edit(edits)

    async def validate(self) -> None:
        """The device's own opinion, only where the platform's data call that harmless."""
        await self._staging.validate()

    async def diff(self) -> str:
        """What a commit would change."""
        return await self._staging.diff()

    async def predict(self, path: Path) -> Tree | None:
        """What a commit would leave at ``path``, where there is a candidate that says so."""
        return await self._staging.predict(path)

    async def commit(
        self, *, confirm_within: float | None = None, persist: str | None = None
    ) -> None:
        """Make what is staged live; CommitUnknown when no answer came."""
        await self._committing.commit(confirm_within=confirm_within, persist=persist)

    async def confirm(self, *, persist: str | None = None) -> None:
        """Make a confirmed commit permanent, and nothing else."""
        await self._committing.confirm(persist=persist)

    async def probe_pending(self, *, persist: str | None, confirm_within: float) -> Pending:
        """Whether our confirmed commit is pending; re-arms its timer."""
        return await self._committing.probe(persist=persist, confirm_within=confirm_within)

    async def cancel(self, *, persist: str | None = None) -> None:
        """Undo a pending confirmed commit."""
        await self._committing.cancel(persist=persist)

    async def discard(self) -> None:
        """Nothing staged any more."""
        await self._staging.discard()

    async def save(self) -> None:
        """Running to startup where the device offers :startup."""
        if Capability.STARTUP in self.offers:
            await self._calls.do(operations.save_running())

    async def read(self, *paths: Path) -> Tree:
        """What running has at ``paths``. DeviceRefused when it does not fit the schema."""
        return selection.only(await self._reading.running(paths), paths)

    async def snapshot(self) -> str:
        """The whole of running, canonical."""
        return await self._reading.text(operations.RUNNING)

    async def whole(self, datastore: Datastore) -> Whole | None:
        """Running, or startup where the device offers :startup, canonical.

        What was answered is well formed, so nothing was cut off.
        """
        if datastore is Datastore.STARTUP and Capability.STARTUP not in self.offers:
            return None
        text = await self._reading.text(datastore.value)
        return Whole(text, keeping.lacking(text, self._platform.netconf.kept))

    async def observe(self, question: Question) -> Observation:
        """Answer by the platform's observe.yaml."""
        return await self._asking.answer(question)
