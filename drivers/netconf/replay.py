"""Decides who changed a configuration, by the server's own log of it: a replay of its notifications.

RFC 6470 tells who changed what, and a server that keeps a log sends again what it told before
(RFC 5277 3.3). The session is not good for anything else until the replay is over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from drivers import text
from drivers.netconf import document, operations
from drivers.netconf.calls import Calls
from drivers.netconf.document import Element
from oss_agent.errors import DeviceUnreachable

NOTIFICATIONS: Final = "urn:ietf:params:netconf:capability:notification:1.0"
_MOST: Final = 200
"""Changes kept, the newest."""
_LISTENED_TO: Final = 20_000
"""Notifications that are looked at: who replays more is not waited for."""
_TARGETS: Final = 50
_OVER: Final = "notificationComplete"
_CHANGE: Final = "netconf-config-change"


async def changes(
    calls: Calls, since: datetime, now: datetime, within: float
) -> list[dict[str, str]]:
    """What changed the configuration from ``since`` on, oldest first: user, host, session, targets.

    DeviceError when the server refuses; DeviceUnreachable when the replay does not end ``within``
    seconds: the session is then in the middle of it.
    """
    hearing = _Hearing()
    calls.exchange.listen(hearing.take)
    try:
        # The end must lie behind the beginning, and is waited for: a moment more than now is enough.
        until = max(now, since) + timedelta(seconds=1)
        await calls.do(operations.replay(_stamp(since), _stamp(until)))
        async with asyncio.timeout(within):
            await hearing.over.wait()
    except TimeoutError:
        reason = f"its replay of notifications did not end within {within:g} s"
        raise DeviceUnreachable(calls.device, reason) from None
    finally:
        calls.exchange.listen(None)
    return list(hearing.found)


class _Hearing:
    """The changes among the notifications, until the last of them."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.found = deque[dict[str, str]](maxlen=_MOST)
        self._heard = 0

    def take(self, notification: Element) -> None:
        self._heard += 1
        at = ""
        for part in notification:
            name = document.local(part)
            if name == "eventTime":
                at = document.content(part)
            elif name == _CHANGE:
                self.found.append(_row(at, part))
            elif name == _OVER or self._heard > _LISTENED_TO:
                self.over.set()


def _row(at: str, change: Element) -> dict[str, str]:
    told = {document.local(one): document.content(one) for one in change.iter() if len(one) == 0}
    targets = [document.content(one) for one in change.iter() if document.local(one) == "target"]
    names = {"user": "username", "host": "source-host", "session": "session-id"}
    row = {name: text.line(told.get(leaf, "")) for name, leaf in names.items()}
    if "server" in told:
        row["user"] = "the server itself"
    return {"at": text.line(at), **row, "targets": "\n".join(map(text.line, targets[:_TARGETS]))}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
