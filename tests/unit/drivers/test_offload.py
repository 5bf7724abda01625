"""Blocking calls: a deadline on each, few threads, and a lane that is never used after a lost call."""

from __future__ import annotations

import asyncio
import threading

import pytest

from drivers import offload

pytestmark = pytest.mark.anyio


class Line:
    """A library call that waits until it is hung up."""

    def __init__(self) -> None:
        self.cut = threading.Event()
        self.begun = threading.Event()

    def hang_up(self) -> None:
        self.cut.set()

    def wait(self) -> str:
        self.begun.set()
        self.cut.wait(300)
        return "late"

    def begins_first(self) -> None:
        """Let the loop, and with it every deadline, stand still until the call has begun."""
        asyncio.get_running_loop().call_soon(self.begun.wait, 300)


async def test_answers_and_errors_come_back() -> None:
    lane = offload.Lane(offload.Crew(1), lambda: None)

    assert await lane.call(lambda: 7, within=300) == 7
    with pytest.raises(ZeroDivisionError):
        await lane.call(lambda: 1 // 0, within=300)
    assert not lane.abandoned


async def test_the_librarys_own_timeout_is_an_answer() -> None:
    def raises() -> None:
        raise TimeoutError("socket")

    lane = offload.Lane(offload.Crew(1), lambda: None)
    with pytest.raises(TimeoutError, match="socket"):
        await lane.call(raises, within=300)
    assert not lane.abandoned


async def test_a_call_that_outlives_its_deadline_ends_the_lane_and_is_hung_up() -> None:
    line = Line()
    lane = offload.Lane(offload.Crew(1), line.hang_up)
    line.begins_first()
    with pytest.raises(offload.Overdue) as late:
        await lane.call(line.wait, within=0.05)

    assert late.value.begun
    assert line.cut.is_set()
    with pytest.raises(offload.Abandoned):
        await lane.call(lambda: 1, within=300)


async def test_a_caller_that_is_cancelled_abandons_its_call() -> None:
    line = Line()
    lane = offload.Lane(offload.Crew(1), line.hang_up)
    line.begins_first()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await lane.call(line.wait, within=30)

    assert lane.abandoned
    assert line.cut.is_set()


async def test_no_more_threads_than_the_crew_has_and_what_never_began_is_said_so() -> None:
    crew, first = offload.Crew(1), Line()
    one, other = offload.Lane(crew, first.hang_up), offload.Lane(crew, lambda: None)
    ran: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        busy = tasks.create_task(one.call(first.wait, within=300))
        await asyncio.to_thread(first.begun.wait, 300)
        with pytest.raises(offload.Overdue) as late:
            await other.call(lambda: ran.append("sent"), within=0.05)
        first.cut.set()
        assert await busy == "late"

    assert not late.value.begun
    assert not other.abandoned
    await other.call(lambda: ran.append("later"), within=300)
    assert ran == ["later"]
