"""The three NETCONF clients of the benchmark, each doing the same transactions on many sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Any

from drivers.netconf.driver import NetconfDriver
from oss_agent.spi import device
from oss_agent.spi.tree import Edit, Operation, Step, Tree
from tests.bench import processor

_PORT = (Step("ports"), Step("port", (("name", "eth1"),)), Step("description"))
_NAMESPACE = "urn:oss-agent:lab:services"
_BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


_SETTLED = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the client's CPU per transaction, and transactions per second of wall time.

    ``server`` is the server's CPU per transaction, ``starved`` the part of the wall time in which
    it was ready and had no core; both 0 when nobody knows the server's process.
    """

    cpu: float
    rate: float
    server: float = 0.0
    starved: float = 0.0


class Meter:
    """Process CPU (all threads) and wall time from ``start`` on; ``server`` is a process to watch."""

    def __init__(self, server: int | None = None) -> None:
        self._server = server
        self.start()

    def start(self) -> None:
        """Begin, or begin anew: what it took to open sessions is not counted."""
        self._theirs = self._watched()
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def stop(self, count: int) -> Cost:
        """The cost of each of ``count`` transactions."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        theirs = self._watched().since(self._theirs)
        return Cost(cpu / count, count / wall, theirs.ran / count, theirs.waited / wall)

    def _watched(self) -> processor.Use:
        return processor.Use() if self._server is None else processor.use(self._server)


class Stuck(Exception):
    """A client that would wait for ever."""


Client = Callable[[Sequence[device.Endpoint], int, Meter], Cost]
"""Opens a session to each endpoint, then so many edit+commit on each, all sessions at once."""


def ours(endpoints: Sequence[device.Endpoint], each: int, meter: Meter) -> Cost:
    """NetconfDriver."""
    return asyncio.run(_ours(endpoints, each, meter))


async def _ours(endpoints: Sequence[device.Endpoint], each: int, meter: Meter) -> Cost:
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(NetconfDriver(e.platform).session(e)) for e in endpoints
        ]
        for session in sessions:
            await _prepare(session)
        return await _together([_our_changes(session, each) for session in sessions], each, meter)


async def _prepare(session: device.Session) -> None:
    if (await session.read(_PORT)).at(_PORT) is None:
        entry = Tree(_PORT[1], children=(Tree(_PORT[2], "new"),))
        await session.edit([Edit(Operation.CREATE, _PORT[:2], entry)])
        await session.commit()


async def _together(work: Sequence[Coroutine[None, None, None]], each: int, meter: Meter) -> Cost:
    meter.start()
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)
    return meter.stop(each * len(work))


async def _our_changes(session: device.Session, each: int) -> None:
    for number in range(each):
        leaf = Tree(_PORT[-1], f"ours {number}")
        await session.edit([Edit(Operation.REPLACE, _PORT, leaf)])
        await session.commit()


def ncclient(endpoints: Sequence[device.Endpoint], each: int, meter: Meter) -> Cost:
    """ncclient, a thread per session; host keys are not checked."""
    with ExitStack() as stack, ThreadPoolExecutor(len(endpoints)) as threads:
        managers = [stack.enter_context(open_ncclient(endpoint)) for endpoint in endpoints]
        meter.start()
        for done in [threads.submit(_their_changes, one, each) for one in managers]:
            done.result()
        return meter.stop(each * len(endpoints))


def open_ncclient(endpoint: device.Endpoint) -> Any:
    from ncclient import manager  # noqa: PLC0415 - half a second, paid by whom it is about

    return manager.connect(
        host=endpoint.address,
        port=endpoint.ports["netconf"],
        username=endpoint.credential.username,
        password=endpoint.credential.password,
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
    )


def _their_changes(session: Any, each: int) -> None:
    for number in range(each):
        session.edit_config(target="candidate", config=_config(number), test_option="test-then-set")
        session.commit()


def scrapli(endpoints: Sequence[device.Endpoint], each: int, meter: Meter) -> Cost:
    """scrapli-netconf over asyncssh; host keys are not checked. Stuck when an answer is missed."""
    from scrapli.exceptions import ScrapliTimeout  # noqa: PLC0415 - as above

    try:
        return asyncio.run(_scrapli(endpoints, each, meter))
    except* ScrapliTimeout as timeouts:
        raise Stuck("it waits for answers that came") from timeouts


async def _scrapli(endpoints: Sequence[device.Endpoint], each: int, meter: Meter) -> Cost:
    from scrapli_netconf.driver import AsyncNetconfDriver  # noqa: PLC0415 - as above

    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                AsyncNetconfDriver(
                    host=endpoint.address,
                    port=endpoint.ports["netconf"],
                    auth_username=endpoint.credential.username,
                    auth_password=endpoint.credential.password or "",
                    auth_strict_key=False,
                    transport="asyncssh",
                    timeout_transport=5.0,
                )
            )
            for endpoint in endpoints
        ]
        # It does not wait behind its hello as we do, and netconfd sits on a request that comes in
        # one read with it.
        await asyncio.sleep(_SETTLED)
        return await _together(
            [_scrapli_changes(session, each) for session in sessions], each, meter
        )


async def _scrapli_changes(session: Any, each: int) -> None:
    for number in range(each):
        await session.edit_config(config=_config(number), target="candidate")
        await session.commit()


def _config(number: int) -> str:
    return (
        f'<config xmlns="{_BASE}"><ports xmlns="{_NAMESPACE}"><port><name>eth1</name>'
        f"<description>theirs {number}</description></port></ports></config>"
    )
