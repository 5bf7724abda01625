"""Decides which reply belongs to which request (RFC 6241 4.1), and how long each may take.

Requests are pipelined up to a depth. A request without an answer in time ends the exchange: the
device may still run it, and nothing sent behind it could be judged.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping

from drivers.netconf import document

DEPTH = 16
"""Requests in flight; deeper gives nothing more (measured)."""
_PARSE_IN_THREAD = 256 * 1024  # above this, parsing would hold the loop for milliseconds


class NoAnswer(Exception):
    """No reply will come. ``sent`` says whether the device may have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class Exchange:
    """Requests and replies of one NETCONF session, once both hellos are through."""

    def __init__(self, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._send = send
        self._close = close
        self._ids = itertools.count(1)
        self._issued = 0
        self._pending: dict[str, asyncio.Future[document.Element]] = {}
        self._slots = asyncio.Semaphore(DEPTH)
        self._ended: str | None = None
        self._counters = Counter[str]()

    @property
    def ended(self) -> str | None:
        """Why no request can be sent any more, or None."""
        return self._ended

    def counters(self) -> Mapping[str, int]:
        """What was dropped: ``late`` replies, ``unknown`` message-ids and other documents."""
        return dict(self._counters)

    async def call(self, operation: document.Element, *, within: float) -> document.Element:
        """Send one operation and return its rpc-reply; ``within`` is its deadline in seconds.

        NoAnswer when the session ended or the deadline passed (which ends it). Cancelling is
        harmless to the session: the reply is dropped when it comes.
        """
        async with self._slots:
            if self._ended is not None:
                raise NoAnswer(self._ended, sent=False)
            message_id, reply = self._request(operation)
            try:
                async with asyncio.timeout(within):
                    return await reply
            except TimeoutError:
                reason = f"no answer to {document.local(operation)} within {within:g} s"
                self.end(reason)
                raise NoAnswer(reason, sent=True) from None
            finally:
                self._pending.pop(message_id, None)

    def receive(self, message: bytes) -> None:
        """Take one message from the server, large ones through a thread."""
        if len(message) <= _PARSE_IN_THREAD:
            self._parsed(_attempt(message))
            return
        parsing = asyncio.get_running_loop().run_in_executor(None, _attempt, message)
        parsing.add_done_callback(lambda done: self._parsed(done.result()))

    def end(self, reason: str) -> None:
        """Fail what is waiting and close the channel. The first reason stays."""
        if self._ended is not None:
            return
        self._ended = reason
        for reply in self._pending.values():
            if not reply.done():
                reply.set_exception(NoAnswer(reason, sent=True))
        self._close()

    def _request(self, operation: document.Element) -> tuple[str, asyncio.Future[document.Element]]:
        self._issued = next(self._ids)
        message_id = str(self._issued)
        rpc = document.base("rpc", operation)
        rpc.set("message-id", message_id)
        reply = asyncio.get_running_loop().create_future()
        self._pending[message_id] = reply
        self._send(document.serialise(rpc))
        return message_id, reply

    def _parsed(self, root: document.Element | document.Unreadable) -> None:
        if isinstance(root, document.Unreadable):
            self.end(f"the device sent what is not NETCONF: {root}")
            return
        message_id = root.get("message-id", "")
        reply = self._pending.get(message_id)
        if root.tag != f"{{{document.BASE}}}rpc-reply" or reply is None or reply.done():
            self._counters["late" if self._was_issued(message_id) else "unknown"] += 1
            return
        reply.set_result(root)

    def _was_issued(self, message_id: str) -> bool:
        return message_id.isascii() and message_id.isdigit() and int(message_id) <= self._issued


def _attempt(message: bytes) -> document.Element | document.Unreadable:
    try:
        return document.parse(message)
    except document.Unreadable as wrong:
        return wrong
