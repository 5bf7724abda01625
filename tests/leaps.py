"""A loop's clock that leaps: a deadline passes when the test says so, however slow the machine is."""

from __future__ import annotations

import asyncio


def leap(seconds: float) -> None:
    """Let the running loop believe that ``seconds`` have gone by: what was due by then is due now.

    Deadlines that must not pass are longer than the leap; those that tests set against hanging
    are far longer than any.
    """
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]  # of this loop alone
