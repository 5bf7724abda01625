"""Which logins to devices are open, and how long: one per device, shared, closed when idle.

A handshake costs more than a change, so a connection stays while anybody needs it and a while
after. So does one session to read by, per store; further ones come and go. The session by which a
transaction writes is its own, by device and store, and stays from its first lock to its last
confirmation. Who opens one says for what: a login that its device refused is spared (``spi.logins``).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Self, TypeAlias, TypeVar

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.talk import kept
from oss_agent.spi import device, ledger, logins

T = TypeVar("T")
Key: TypeAlias = tuple[str, str, str]
"""Of a writing session: transaction, device, store."""


@dataclass(slots=True)
class Line:
    """The one login to a device, how many need it, and when it goes if nobody does.

    ``spare`` are sessions to read by that nobody uses at the moment, by store; they go with it.
    ``asked`` is when the endpoint was last seen to be the device's (loop time).
    """

    endpoint: device.Endpoint
    asked: float
    login: kept.Kept[device.Connection]
    spare: dict[str, kept.Kept[device.Session]]
    users: int = 0
    expiry: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A session to read by; ``reused`` when its login is older and may have died unnoticed."""

    session: device.Session
    reused: bool


@dataclass(slots=True)
class Writing:
    """A transaction's session with one store; ``locked`` while it has the device's lock.

    ``used`` is true when an earlier call opened it: it may have died since.
    """

    session: device.Session
    held: kept.Kept[device.Session]
    used: bool = False
    locked: bool = False
    expiry: asyncio.TimerHandle | None = None


class Connections:
    """``async with`` it: at the end everything is closed, whatever it was in the middle of."""

    def __init__(
        self,
        devices: ledger.Devices,
        drivers: device.Drivers,
        bounds: limits.Limits,
        sending: logins.Sending = logins.unspared,
    ) -> None:
        self._devices = devices
        self._drivers = drivers
        self._bounds = bounds
        self._sending = sending
        self._group = asyncio.TaskGroup()
        self._lines: dict[str, Line] = {}
        self._writing: dict[Key, Writing] = {}
        self._logins = asyncio.Semaphore(bounds.logins)
        self._per_device = defaultdict[str, asyncio.Semaphore](self._two)
        self.opened = 0
        self.written = Counter[str]()
        """how often a session to write by was asked for, by device"""

    def _two(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self._bounds.logins_per_device)

    async def __aenter__(self) -> Self:
        """Ready to open."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close sessions, then logins; what does not close in time is cut."""
        sessions = [one.held for one in self._writing.values()]
        for key in tuple(self._writing):
            self.release(key)
        await kept.close_all(sessions, self._bounds.goodbye)
        logins = [line.login for line in self._lines.values()]
        for line in self._lines.values():
            _forget(line.expiry)
        self._lines.clear()
        await kept.close_all(logins, self._bounds.goodbye)
        await self._group.__aexit__(None, None, None)

    @contextlib.asynccontextmanager
    async def reading(
        self, name: str, store: str = "", by: logins.Asker = logins.Asker.ORDERS
    ) -> AsyncIterator[Reading]:
        """A session that changes nothing, kept for the next. DeviceUnreachable or DeviceRefused."""
        endpoint = await self.endpoint(name)
        guard = self._sending(endpoint, by) if self._sends(endpoint, store) else _nothing()
        async with guard, self._line(name, endpoint) as (line, reused):
            held = line.spare.pop(store, None)
            if held is None or held.ended:
                connection = await line.login.opened()
                held = kept.Kept(self._group, self._bounded(name, connection.session(store)))
            try:
                yield Reading(await held.opened(), reused)
            except BaseException:
                held.close()  # what it was in the middle of, nobody knows
                raise
            if self._lines.get(name) is line and store not in line.spare:
                line.spare[store] = held
            else:
                held.close()

    async def writing(self, key: Key) -> Writing:
        """The transaction's own session, opened unless it is: until ``release``, or unused long."""
        self.written[key[1]] += 1
        found = self._writing.get(key)
        if found is None or found.held.ended:
            self.release(key)
            found = await self._opened(key)
            self._writing[key] = found
        else:
            found.used = True
        _forget(found.expiry)
        loop = asyncio.get_running_loop()
        found.expiry = loop.call_later(self._bounds.hold_open, self.release, key)
        return found

    def has(self, key: Key) -> bool:
        """Is the transaction's own session still open, as far as is known?"""
        found = self._writing.get(key)
        return found is not None and not found.held.ended

    def release(self, key: Key) -> None:
        """The transaction is done with this session, or it is broken. Safe twice."""
        found = self._writing.pop(key, None)
        if found is not None:
            _forget(found.expiry)
            found.held.close()

    def doubt(self, name: str) -> None:
        """The login seems broken: the next use logs in anew, who has it now may finish."""
        self._drop(name)

    async def renew(self, name: str) -> None:
        """As ``doubt``, after a moment: a thousand devices shall not log in at the same one."""
        self._drop(name)
        await asyncio.sleep(random.uniform(0, self._bounds.reconnect))  # noqa: S311  no secret

    async def _opened(self, key: Key) -> Writing:
        endpoint = await self.endpoint(key[1])
        async with self._sending(endpoint, logins.Asker.ORDERS):
            held = kept.Kept(self._group, self._own(key, endpoint))
            return Writing(await self._first(held), held)

    async def _first(self, held: kept.Kept[T]) -> T:
        try:
            return await held.opened()
        except BaseException:
            held.close()
            raise

    def _sends(self, endpoint: device.Endpoint, store: str) -> bool:
        """May a session to read by send the login? Not one that is open already."""
        line = self._lines.get(endpoint.device)
        spare = line.spare.get(store) if line is not None and line.endpoint == endpoint else None
        return spare is None or spare.ended

    @contextlib.asynccontextmanager
    async def _own(self, key: Key, endpoint: device.Endpoint) -> AsyncIterator[device.Session]:
        _, name, store = key
        async with self._line(name, endpoint) as (line, _):
            connection = await line.login.opened()
            async with self._bounded(name, connection.session(store)) as session:
                yield session

    @contextlib.asynccontextmanager
    async def _line(self, name: str, endpoint: device.Endpoint) -> AsyncIterator[tuple[Line, bool]]:
        """A device's line, logged in, and whether it was open before."""
        line, reused = await self._usable(name, endpoint)
        line.users += 1
        _forget(line.expiry)
        try:
            await line.login.opened()
            yield line, reused
        finally:
            line.users -= 1
            self._idle(name, line)

    async def endpoint(self, name: str) -> device.Endpoint:
        """How a device is reached; while a login is open, what was true ``remembered`` seconds ago.

        To ask costs two queries and a look at its secret, and an order talks to a device a dozen times.
        A login that died is not asked for again by what is remembered: its key may be trusted no more.
        """
        now = asyncio.get_running_loop().time()
        line = self._lines.get(name)
        if line is not None and now < line.asked + self._bounds.remembered and await _lives(line):
            return line.endpoint
        found = await self._devices.endpoint(name)
        line = self._lines.get(name)
        if line is not None and line.endpoint == found:
            line.asked = now
        return found

    async def _usable(self, name: str, endpoint: device.Endpoint) -> tuple[Line, bool]:
        line = self._lines.get(name)
        if line is not None and line.login.is_open and not await _lives(line):
            line.login.close()
        if line is not None and line.endpoint == endpoint and not line.login.ended:
            return line, line.login.is_open
        self._drop(name)
        driver = self._drivers.driver(endpoint.platform)
        spare: dict[str, kept.Kept[device.Session]] = {}
        login = kept.Kept(self._group, self._login(name, driver.connect(endpoint), spare))
        self.opened += 1
        now = asyncio.get_running_loop().time()
        made = self._lines[name] = Line(endpoint, now, login, spare)
        return made, False

    @contextlib.asynccontextmanager
    async def _login(
        self,
        name: str,
        context: AbstractAsyncContextManager[device.Connection],
        spare: Mapping[str, kept.Kept[device.Session]],
    ) -> AsyncIterator[device.Connection]:
        async with self._bounded(name, context) as connection:
            try:
                yield connection
            finally:
                await kept.close_all(tuple(spare.values()), self._bounds.goodbye)

    def _drop(self, name: str) -> None:
        """Nobody new gets this login; who has it may finish."""
        line = self._lines.pop(name, None)
        if line is not None:
            self._idle(name, line)

    def _idle(self, name: str, line: Line) -> None:
        _forget(line.expiry)
        if line.users:
            return
        if self._lines.get(name) is line and not line.login.ended:
            loop = asyncio.get_running_loop()
            line.expiry = loop.call_later(self._bounds.idle, self._drop, name)
        else:
            line.login.close()

    @contextlib.asynccontextmanager
    async def _bounded(
        self, name: str, context: AbstractAsyncContextManager[T]
    ) -> AsyncIterator[T]:
        """Enter with a deadline, few at a time: a storm of logins would time all of them out."""
        seconds = self._bounds.rpc_timeout
        async with contextlib.AsyncExitStack() as stack:
            async with self._per_device[name], self._logins:
                try:
                    async with asyncio.timeout(seconds):
                        value = await stack.enter_async_context(context)
                except TimeoutError as late:
                    reason = f"no session within {seconds:g} s"
                    raise errors.DeviceUnreachable(name, reason) from late
            yield value


def _nothing() -> AbstractAsyncContextManager[None]:
    return contextlib.nullcontext()


async def _lives(line: Line) -> bool:
    return line.login.is_open and (await line.login.opened()).alive


def _forget(handle: asyncio.TimerHandle | None) -> None:
    if handle is not None:
        handle.cancel()
