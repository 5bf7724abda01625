"""Logins are shared, bounded, closed when idle, and never outlive the agent."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from oss_agent import errors
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.talk import connections
from oss_agent.spi import device

pytestmark = pytest.mark.anyio


@dataclass
class Fleet:
    """Devices that count their logins and sessions."""

    open: int = 0
    logins: int = 0
    most: int = 0
    opening: int = 0
    broken: bool = False
    asked: int = 0
    address: str = "192.0.2.1"
    silent: bool = False
    reached: list[str] = field(default_factory=list[str])
    sessions: list[str] = field(default_factory=list[str])
    empty: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        return not self.broken

    async def endpoint(self, name: str) -> device.Endpoint:
        self.asked += 1
        return device.Endpoint(name, "stub", self.address, device.Credential("admin"))

    def driver(self, platform: str) -> Any:
        del platform
        return self

    @contextlib.asynccontextmanager
    async def connect(self, endpoint: device.Endpoint) -> AsyncIterator[Any]:
        self.reached.append(endpoint.address)
        self.opening += 1
        self.most = max(self.most, self.opening)
        try:
            await asyncio.sleep(30 if self.silent else 0.001)
        finally:
            self.opening -= 1
        self.logins += 1
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1
            if not self.open:
                self.empty.set()

    @contextlib.asynccontextmanager
    async def session(self, store: str = "") -> AsyncIterator[Any]:
        self.sessions.append(store)
        try:
            yield object()
        finally:
            self.sessions.remove(store)


def over(fleet: Fleet, **bounds: Any) -> connections.Connections:
    made = dataclasses.replace(limits.Limits(reconnect=0.0, goodbye=1.0), **bounds)
    return connections.Connections(cast("Any", fleet), cast("Any", fleet), made)


async def test_readers_and_the_writer_share_one_login() -> None:
    fleet = Fleet()
    async with over(fleet) as lines:
        async with lines.reading("pe1"), lines.reading("pe1", "vtysh"):
            written = await lines.writing(("1-1", "pe1", ""))
            again = await lines.writing(("1-1", "pe1", ""))
        assert again is written
        assert fleet.logins == 1
        assert sorted(fleet.sessions) == ["", "", "vtysh"]
        lines.release(("1-1", "pe1", ""))
        lines.release(("1-1", "pe1", ""))
    assert (fleet.open, fleet.sessions) == (0, [])


async def test_one_session_to_read_by_is_kept_and_one_that_failed_is_not() -> None:
    fleet = Fleet()
    async with over(fleet) as lines:
        async with lines.reading("pe1") as first, lines.reading("pe1") as beside:
            assert first.session is not beside.session
        await asyncio.sleep(0)
        async with lines.reading("pe1") as again:
            assert again.session is beside.session
        assert fleet.sessions == [""]
        with pytest.raises(errors.DeviceUnreachable):
            async with lines.reading("pe1"):
                raise errors.DeviceUnreachable("pe1", "it hung up")
        async with lines.reading("pe1") as anew:
            assert anew.session is not again.session
        assert fleet.logins == 1
    assert (fleet.open, fleet.sessions) == (0, [])


@pytest.mark.parametrize(("remembered", "asked", "logins"), [(60.0, 1, 1), (0.0, 3, 2)])
async def test_an_open_login_is_checked_against_the_inventory_now_and_then(
    remembered: float, asked: int, logins: int
) -> None:
    fleet = Fleet()
    async with over(fleet, remembered=remembered) as lines:
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
            fleet.address = address
            async with lines.reading("pe1"):
                pass
        assert (fleet.asked, fleet.logins) == (asked, logins)


async def test_a_login_that_died_is_made_again_by_what_the_inventory_says_now() -> None:
    fleet = Fleet()
    async with over(fleet, remembered=60.0) as lines:
        async with lines.reading("pe1"):
            pass
        fleet.broken, fleet.address = True, "192.0.2.2"
        async with lines.reading("pe1"):
            pass
    assert fleet.reached == ["192.0.2.1", "192.0.2.2"]


async def test_a_login_in_doubt_takes_its_spare_session_along() -> None:
    fleet = Fleet()
    async with over(fleet) as lines:
        async with lines.reading("pe1"):
            pass
        fleet.empty.clear()
        lines.doubt("pe1")
        async with asyncio.timeout(300):
            await fleet.empty.wait()
        assert fleet.sessions == []


async def test_everything_is_closed_at_the_end_whatever_it_was_in_the_middle_of() -> None:
    fleet = Fleet()

    async def fails() -> None:
        async with over(fleet) as lines:
            await lines.writing(("1-1", "pe1", ""))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert (fleet.open, fleet.sessions) == (0, [])


async def test_an_idle_login_is_closed_and_a_broken_one_made_again() -> None:
    fleet = Fleet()
    async with over(fleet, idle=0.02) as lines:
        async with lines.reading("pe1"):
            pass
        async with lines.reading("pe1") as second:
            assert second.reused
        fleet.broken = True
        fleet.empty.clear()
        async with lines.reading("pe1") as third:
            assert not third.reused
        assert fleet.logins == 2
        async with asyncio.timeout(300):
            await fleet.empty.wait()


async def test_logins_in_flight_are_bounded() -> None:
    fleet = Fleet()
    async with over(fleet, logins=3) as lines:

        async def read(name: str) -> None:
            async with lines.reading(name):
                pass

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(read(f"r{number}"))
        assert fleet.logins == 20
    assert fleet.most <= 3


async def test_a_device_that_never_greets_is_unreachable_in_time() -> None:
    fleet = Fleet(silent=True)
    async with over(fleet, rpc_timeout=0.05) as lines:
        with pytest.raises(errors.DeviceUnreachable, match="no session within"):
            async with lines.reading("pe1"):
                pass
    assert fleet.open == 0
