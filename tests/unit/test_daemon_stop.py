"""The daemon can be told to stop at any moment, also while it starts."""

from __future__ import annotations

import asyncio

import pytest

from oss_agent import errors
from oss_agent.app import daemon

pytestmark = pytest.mark.anyio


async def test_a_start_that_settles_for_long_is_stopped_at_once() -> None:
    stop, tidied = asyncio.Event(), asyncio.Event()

    async def settles_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.set()

    stop.set()
    async with asyncio.timeout(300):
        await daemon.until(stop, settles_for_ever())
    assert tidied.is_set()


@pytest.mark.parametrize("why", [errors.ConfigurationError, errors.StoreUnavailable])
async def test_what_keeps_it_from_starting_is_said_as_itself(why: type[errors.AgentError]) -> None:
    async def refused() -> None:
        raise why("name another port")

    with pytest.raises(why, match="name another port"):
        await daemon.until(asyncio.Event(), refused())


async def test_a_role_that_fails_ends_the_daemon() -> None:
    async def fails() -> None:
        raise RuntimeError

    with pytest.raises(ExceptionGroup):
        await daemon.until(asyncio.Event(), fails())
