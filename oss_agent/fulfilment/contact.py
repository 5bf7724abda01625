"""Talking to a device: every call has a deadline and stands between two failpoints."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits, tree
from oss_agent.spi import device, ledger
from oss_agent.spi.tree import Path, Tree

T = TypeVar("T")
LADDER = frozenset(
    {
        device.Capability.CANDIDATE,
        device.Capability.CONFIRMED_COMMIT,
        device.Capability.PERSIST,
    }
)
"""The rung this version stands on; devices that offer less are refused, not half-served."""


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
        """The part of running at these paths, as one tree."""
        return tree.merge([await self._read(root) for root in roots])

    async def _read(self, root: Path) -> Tree:
        return await self.call("read", lambda session: session.read(root))

    async def snapshot(self) -> str:
        """The whole running configuration, for the comparison before and after."""
        return await self.call("snapshot", lambda session: session.snapshot())

    async def tidy(self) -> None:
        """Leave nothing staged and no lock, as far as the device still lets us."""
        with contextlib.suppress(errors.DeviceError):
            await self.call("discard", lambda session: session.discard())
        with contextlib.suppress(errors.DeviceError):
            await self.call("unlock", lambda session: session.unlock())


class Contact:
    """Opens sessions by device name."""

    def __init__(
        self,
        devices: ledger.Devices,
        drivers: device.Drivers,
        points: failpoints.Failpoints,
        bounds: limits.Limits,
    ) -> None:
        self._devices = devices
        self._drivers = drivers
        self._points = points
        self._bounds = bounds

    async def driver(self, name: str) -> device.Driver:
        """The driver of a device's platform."""
        endpoint = await self._devices.endpoint(name)
        return self._drivers.driver(endpoint.platform)

    @contextlib.asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Talk]:
        """Connect and log in. DeviceUnreachable or DeviceRefused; nothing has changed then."""
        endpoint = await self._devices.endpoint(name)
        driver = self._drivers.driver(endpoint.platform)
        seconds = self._bounds.rpc_timeout
        async with contextlib.AsyncExitStack() as stack:
            self._points.hit("device.open.before")
            try:
                async with asyncio.timeout(seconds):
                    session = await stack.enter_async_context(driver.session(endpoint))
            except TimeoutError as late:
                reason = f"no session within {seconds:g} s"
                raise errors.DeviceUnreachable(name, reason) from late
            self._points.hit("device.open.after")
            yield Talk(name, session, self._points, seconds)

    @contextlib.asynccontextmanager
    async def participate(self, name: str) -> AsyncIterator[Talk]:
        """As ``open``, for a device that is to change: DeviceRefused below our rung."""
        async with self.open(name) as talk:
            missing = LADDER - talk.session.offers
            if missing:
                lacking = ", ".join(sorted(missing))
                raise errors.DeviceRefused(
                    name, f"it does not offer {lacking}: an all-or-nothing change is not possible"
                )
            yield talk


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
