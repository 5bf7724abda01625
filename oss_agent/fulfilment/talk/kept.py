"""A context held open by a task of its own, so that its users may come and go in any task.

A context of asyncio must be left by the task that entered it, and a transaction's phases run in
different ones. Whatever it raises is told to who waits for it and never reaches the task group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

import structlog

T = TypeVar("T")


class Kept(Generic[T]):
    """One context, open until somebody closes it."""

    def __init__(self, group: asyncio.TaskGroup, context: AbstractAsyncContextManager[T]) -> None:
        self._context = context
        self._opened: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enough = asyncio.Event()
        self.task = group.create_task(self._hold())

    @property
    def is_open(self) -> bool:
        """Is it open now? The value may be broken all the same."""
        return self._opened.done() and not self.ended

    @property
    def ended(self) -> bool:
        """Is it closed, or about to be?"""
        return self._enough.is_set() or self.task.done()

    async def opened(self) -> T:
        """The value, when it is open; or what entering raised. Who is cancelled hurts no other."""
        return await asyncio.shield(self._opened)

    def close(self) -> None:
        """Leave the context, in its own time; one that is not yet open is given up. Safe twice."""
        self._enough.set()
        if not self._opened.done():
            self.task.cancel()

    async def _hold(self) -> None:
        try:
            async with self._context as value:
                self._opened.set_result(value)
                await self._enough.wait()
        except Exception as wrong:  # noqa: BLE001  it belongs to who waits; the group would end all others
            self._tell(wrong)
        finally:
            self._enough.set()
            self._opened.cancel()

    def _tell(self, wrong: Exception) -> None:
        if self._opened.done():
            structlog.get_logger().debug("closing failed", reason=str(wrong))
            return
        self._opened.set_exception(wrong)
        self._opened.exception()  # looked at: whoever waited may be gone


async def close_all(every: Sequence[Kept[Any]], within: float) -> None:
    """Close all at once; what is not left after ``within`` seconds is cut."""
    for one in every:
        one.close()
    tasks = [one.task for one in every]
    if not tasks:
        return
    _, slow = await asyncio.wait(tasks, timeout=within)
    for task in slow:
        task.cancel()
