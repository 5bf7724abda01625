"""Talking to a device: every call has a deadline and stands between two failpoints."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.record import states
from oss_agent.fulfilment.talk import connections, ladder
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import device
from oss_agent.spi.logins import Asker
from oss_agent.spi.tree import Path, Tree

T = TypeVar("T")

_PATHS = 64
"""Paths that one request asks for at most: what a device has to look for, and to answer, stays bounded."""


class Talk:
    """One session with one device. ``call`` is the only way to it."""

    def __init__(
        self, name: str, session: device.Session, points: failpoints.Failpoints, seconds: float
    ) -> None:
        self.device = name
        self.session = session
        self._points = points
        self._seconds = seconds

    async def call(
        self,
        name: str,
        act: Callable[[device.Session], Awaitable[T]],
        *,
        silence: type[errors.DeviceError] = errors.DeviceUnreachable,
    ) -> T:
        """Do one thing. ``silence`` is the error when no answer comes in time."""
        self._points.hit(f"device.{name}.before")
        try:
            async with asyncio.timeout(self._seconds):
                result = await act(self.session)
        except TimeoutError as late:
            reason = f"no answer to {name} within {self._seconds:g} s"
            raise silence(self.device, reason) from late
        self._points.hit(f"device.{name}.after")
        return result

    async def read(self, roots: Sequence[Path]) -> Tree:
        """The part of running at these paths, as one tree: one request, or a few at once for many."""
        paths = tree.outermost(roots)
        parts = [paths[first : first + _PATHS] for first in range(0, len(paths), _PATHS)]
        return tree.merge(await together([self._read(part) for part in parts]))

    async def opinion(self, roots: Sequence[Path]) -> Tree | None:
        """Have what is staged validated, and be told what it would leave at these paths.

        None where the device cannot tell. ChangeRejected when it does not want it.
        """
        asked = [self._predict(root) for root in roots]
        _, *told = await together([self._validate(), *asked])
        known = [one for one in told if one is not None]
        return tree.merge(known) if len(known) == len(roots) else None

    async def _validate(self) -> None:
        await self.call("validate", lambda session: session.validate())

    async def _predict(self, root: Path) -> Tree | None:
        return await self.call("predict", lambda session: session.predict(root))

    async def _read(self, paths: Sequence[Path]) -> Tree:
        return await self.call("read", lambda session: session.read(*paths))

    async def snapshot(self) -> str:
        """The whole running configuration, for the comparison before and after."""
        return await self.call("snapshot", lambda session: session.snapshot())


class Writer(Talk):
    """The session by which a transaction writes: the same one from its lock to its confirmation."""

    def __init__(
        self,
        name: str,
        writing: connections.Writing,
        points: failpoints.Failpoints,
        seconds: float,
    ) -> None:
        super().__init__(name, writing.session, points, seconds)
        self._writing = writing

    @property
    def rung(self) -> device.Rung:
        """How this store takes part. DeviceRefused when it cannot."""
        return ladder.stand(self.device, self.session.offers)

    @property
    def locked(self) -> bool:
        """Have we the device's lock by this session?"""
        return self._writing.locked

    async def hold_lock(self) -> None:
        """Take the lock, unless it is ours, and start from a clean candidate."""
        if self._writing.locked:
            await self.call("discard", lambda session: session.discard())
            return
        await self.call("lock", lambda session: session.lock())
        self._writing.locked = True

    async def drop_lock(self) -> None:
        """Give the lock back. Safe when not held."""
        self._writing.locked = False
        await self.call("unlock", lambda session: session.unlock())

    async def tidy(self) -> None:
        """Leave nothing staged and no lock, as far as the device still lets us."""
        with contextlib.suppress(errors.DeviceError):
            await self.call("discard", lambda session: session.discard())
        with contextlib.suppress(errors.DeviceError):
            await self.drop_lock()


class Contact:
    """Conversations by device name, over shared connections; ``by`` is for what."""

    def __init__(
        self,
        drivers: device.Drivers,
        lines: connections.Connections,
        points: failpoints.Failpoints,
        bounds: limits.Limits,
        by: Asker = Asker.ORDERS,
    ) -> None:
        self._drivers = drivers
        self._lines = lines
        self._points = points
        self._by = by
        self._seconds = bounds.rpc_timeout

    async def driver(self, name: str) -> device.Driver:
        """The driver of a device's platform."""
        endpoint = await self._lines.endpoint(name)
        return self._drivers.driver(endpoint.platform)

    @contextlib.asynccontextmanager
    async def open(self, name: str, store: str = "") -> AsyncIterator[Talk]:
        """A session to read by. DeviceUnreachable or DeviceRefused."""
        self._points.hit("device.open.before")
        async with self._lines.reading(name, store, self._by) as reading:
            self._points.hit("device.open.after")
            yield Talk(name, reading.session, self._points, self._seconds)

    @contextlib.asynccontextmanager
    async def participate(self, name: str, store: str = "") -> AsyncIterator[Talk]:
        """As ``open``, for a store that is to change: DeviceRefused when it cannot safely."""
        async with self.open(name, store) as talk:
            ladder.stand(name, talk.session.offers)
            yield talk

    @contextlib.asynccontextmanager
    async def exclusive(self, key: connections.Key) -> AsyncIterator[Talk]:
        """As ``participate``, with the device's lock for as long: nobody edits what is read.

        ``key`` is (transaction, device, store). DeviceBusy when somebody has the lock.
        """
        name = key[1]
        self._points.hit("device.open.before")
        writing = await self._lines.writing(key)
        self._points.hit("device.open.after")
        talk = Writer(name, writing, self._points, self._seconds)
        try:
            ladder.stand(name, talk.session.offers)
            await talk.hold_lock()
            yield talk
            await talk.drop_lock()
        finally:
            self._lines.release(key)  # the lock goes with its session, whatever became of it

    async def ask(self, name: str, store: str, act: Callable[[Talk], Awaitable[T]]) -> T:
        """Read something; a login that had died unnoticed is made anew, once."""
        self._points.hit("device.open.before")
        reused = False
        try:
            async with self._lines.reading(name, store, self._by) as reading:
                reused = reading.reused
                self._points.hit("device.open.after")
                return await act(Talk(name, reading.session, self._points, self._seconds))
        except errors.DeviceUnreachable:
            if not reused:
                raise
        await self._lines.renew(name)
        async with self.open(name, store) as talk:
            return await act(talk)

    @contextlib.asynccontextmanager
    async def writing(self, one: states.Participant) -> AsyncIterator[Writer]:
        """The transaction's own session with this store; it stays open afterwards.

        One that broke is given up: the next call opens another, and the journal says what that
        means.
        """
        key = (one.transaction, one.device, one.store)
        self._points.hit("device.open.before")
        writing = await self._lines.writing(key)
        self._points.hit("device.open.after")
        try:
            yield Writer(one.device, writing, self._points, self._seconds)
        except (errors.DeviceUnreachable, errors.CommitUnknown):
            self._lines.release(key)
            self._lines.doubt(one.device)
            raise

    def holds(self, one: states.Participant) -> bool:
        """Is the session by which this participant was changed still open, as far as is known?"""
        return self._lines.has((one.transaction, one.device, one.store))

    def release(self, one: states.Participant) -> None:
        """This participant is done."""
        self._lines.release((one.transaction, one.device, one.store))


async def together(acts: Sequence[Awaitable[T]]) -> tuple[T, ...]:
    """Run all at once and wait for all; the first error comes out as itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_as_coroutine(act)) for act in acts]
    except BaseExceptionGroup as several:
        raise _first(several) from several
    return tuple(task.result() for task in tasks)


async def _as_coroutine(act: Awaitable[T]) -> T:
    return await act


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
