"""Decides how a blocking library is driven from the event loop: few threads, a deadline for each call.

A thread cannot be stopped. A call that outlives its deadline, or whose caller goes away, goes on
without us: what it did is unknown, so its lane hangs up and is never used again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent import futures
from typing import TypeVar

T = TypeVar("T")


class Overdue(Exception):
    """No answer within the deadline. ``begun`` is false when the call never started."""

    def __init__(self, within: float, *, begun: bool) -> None:
        super().__init__(f"no {'answer' if begun else 'free thread'} within {within:g} s")
        self.begun = begun


class Abandoned(Exception):
    """An earlier call of this lane was left running: nothing more may be sent on it."""


class Crew:
    """At most ``size`` threads for all lanes of a driver; they start when there is work."""

    def __init__(self, size: int = 16) -> None:
        self.size = size
        self._pool = futures.ThreadPoolExecutor(size, thread_name_prefix="device")

    def submit(self, work: Callable[[], T]) -> futures.Future[T]:
        """Have it done by the next free thread."""
        return self._pool.submit(work)


class Lane:
    """The calls of one session, one after another; ``hang_up`` must return at once."""

    def __init__(self, crew: Crew, hang_up: Callable[[], None]) -> None:
        self._crew = crew
        self._hang_up = hang_up
        self._turn = asyncio.Lock()
        self.abandoned = False

    async def call(self, work: Callable[[], T], within: float) -> T:
        """What ``work`` returns or raises. Overdue after ``within`` seconds; Abandoned after that."""
        async with self._turn:
            if self.abandoned:
                raise Abandoned("an earlier call on this session was never answered")
            return await self._run(work, within)

    async def _run(self, work: Callable[[], T], within: float) -> T:
        job = self._crew.submit(work)
        deadline = asyncio.timeout(within)
        try:
            async with deadline:
                return await asyncio.wrap_future(job)
        except TimeoutError:
            # The library's own timeout is a TimeoutError too; that one is an answer.
            if not deadline.expired():
                raise
            raise Overdue(within, begun=not job.cancelled()) from None
        finally:
            # Leaving the await cancels a job that has not begun; one that has cannot be.
            if not job.done():
                self.abandoned = True
                self._hang_up()
