"""Decides which reply belongs to which request (RFC 6241 4.1), and how long each may take.

Requests are pipelined up to a depth. A place in it is free again when the device has answered, not
when the caller has left, so that a slow device never has more to do than it may have. A read that
is not answered in time fails alone while others are answered; in silence, or when it could have
changed something, the whole exchange ends: nothing that is sent behind it could be judged.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping

from drivers.netconf import document, operations

DEPTH = 16
"""Requests in flight; deeper gives nothing more (measured)."""
_PARSE_IN_THREAD = 256 * 1024  # above this, parsing would hold the loop for milliseconds
_NOTIFICATION = f"{{{operations.NOTIFICATION}}}notification"
_KNOCK_AGAIN = 0.05  # seconds, twice as long each time; a server that is awake answers sooner
_REFUSED_MOST = 100
"""Answers to nothing that was asked; who sends more of them is not listened to."""


class NoAnswer(Exception):
    """No reply will come. ``sent`` says whether the device may have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class Exchange:
    """Requests and replies of one NETCONF session, once both hellos are through.

    ``depth`` requests at most are unanswered at any time.
    """

    def __init__(
        self, send: Callable[[bytes], None], close: Callable[[], None], depth: int = DEPTH
    ) -> None:
        self._send = send
        self._close = close
        self._ids = itertools.count(1)
        self._issued = 0
        self._pending: dict[str, asyncio.Future[document.Element]] = {}
        self._slots = asyncio.Semaphore(depth)
        self._answered = 0
        self._ended: str | None = None
        self._counters = Counter[str]()
        self._heard: Callable[[document.Element], None] | None = None

    @property
    def ended(self) -> str | None:
        """Why no request can be sent any more, or None."""
        return self._ended

    @property
    def answered(self) -> bool:
        """Whether any request was."""
        return self._answered > 0

    def counters(self) -> Mapping[str, int]:
        """What was dropped: ``late`` replies, ``duplicate`` ones, and ``unknown`` documents."""
        return dict(self._counters)

    async def call(
        self, operation: document.Element, *, within: float, reads: bool = False
    ) -> document.Element:
        """Send one operation and return its rpc-reply; ``within`` is its deadline in seconds.

        NoAnswer when the session ended or the deadline passed, which ends it unless the operation
        only ``reads`` and another was answered meanwhile. Cancelling is harmless to the session:
        the reply is dropped when it comes.
        """
        await self._slot(within)
        reply, answered = self._request(operation), self._answered
        try:
            async with asyncio.timeout(within):
                return await reply
        except TimeoutError:
            reason = f"no answer to {document.local(operation)} within {within:g} s"
            if not reads or self._answered == answered:
                self.end(reason)
            raise NoAnswer(reason, sent=True) from None

    async def knock(self, question: Callable[[], document.Element], *, within: float) -> None:
        """Ask again and again until one of the questions is answered; NoAnswer ends the exchange.

        A server that gets our hello and the first RPC in one read may sit on that until more bytes
        come (netconfd 2.13). A pause between them helps only while neither side is kept waiting for
        a processor.
        """
        asked: list[asyncio.Future[document.Element]] = []
        pause = _KNOCK_AGAIN
        try:
            async with asyncio.timeout(within):
                while not self._answered and self._ended is None:
                    await self._slots.acquire()
                    asked.append(self._request(question()))
                    await asyncio.wait(asked, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                    pause *= 2
        except TimeoutError:
            self.end(f"no answer to the first request within {within:g} s")
        finally:
            for reply in asked:
                reply.add_done_callback(_unread)
        if self._ended is not None:
            raise NoAnswer(self._ended, sent=False)

    def receive(self, message: bytes) -> None:
        """Take one message from the server, large ones through a thread."""
        if len(message) <= _PARSE_IN_THREAD:
            self._parsed(_attempt(message))
            return
        parsing = asyncio.get_running_loop().run_in_executor(None, _attempt, message)
        parsing.add_done_callback(lambda done: self._parsed(done.result()))

    def listen(self, heard: Callable[[document.Element], None] | None) -> None:
        """Hand notifications over from now on; those that nobody asked for are ``unknown``."""
        self._heard = heard

    def end(self, reason: str) -> None:
        """Fail what is waiting and close the channel. The first reason stays."""
        if self._ended is not None:
            return
        self._ended = reason
        for reply in self._pending.values():
            self._slots.release()
            if not reply.done():
                reply.set_exception(NoAnswer(reason, sent=True))
        self._pending.clear()
        self._close()

    async def _slot(self, within: float) -> None:
        """Wait for a place in flight; in silence for ``within`` seconds the exchange ends."""
        while self._ended is None:
            answered = self._answered
            try:
                async with asyncio.timeout(within):
                    await self._slots.acquire()
            except TimeoutError:
                if self._answered == answered:
                    self.end(f"{len(self._pending)} requests are unanswered for {within:g} s")
                continue
            if self._ended is None:
                return
            self._slots.release()  # for the next who waits to hear it
        raise NoAnswer(self._ended, sent=False)

    def _request(self, operation: document.Element) -> asyncio.Future[document.Element]:
        self._issued = next(self._ids)
        message_id = str(self._issued)
        rpc = document.base("rpc", operation)
        rpc.set("message-id", message_id)
        reply = asyncio.get_running_loop().create_future()
        self._pending[message_id] = reply
        self._send(document.serialise(rpc))
        return reply

    def _parsed(self, root: document.Element | document.Unreadable) -> None:
        if self._ended is not None:
            return
        if isinstance(root, document.Unreadable):
            self.end(f"the device sent what is not NETCONF: {root}")
            return
        if self._heard is not None and root.tag == _NOTIFICATION:
            self._heard(root)
            return
        message_id = root.get("message-id", "")
        is_reply = root.tag == f"{{{document.BASE}}}rpc-reply"
        reply = self._pending.pop(message_id, None) if is_reply else None
        if reply is None:
            self._refuse("duplicate" if is_reply and self._was_issued(message_id) else "unknown")
            return
        self._answered += 1
        self._slots.release()
        if reply.done():
            self._counters["late"] += 1
        else:
            reply.set_result(root)

    def _refuse(self, kind: str) -> None:
        self._counters[kind] += 1
        if self._counters["duplicate"] + self._counters["unknown"] > _REFUSED_MOST:
            self.end(f"the device sent more than {_REFUSED_MOST} answers to nothing that was asked")

    def _was_issued(self, message_id: str) -> bool:
        # By its own form and length: int() of what a device made up could raise.
        known = str(self._issued)
        plain = message_id.isascii() and message_id.isdigit() and len(message_id) <= len(known)
        return plain and 1 <= int(message_id) <= self._issued


def _unread(reply: asyncio.Future[document.Element]) -> None:
    """Nobody asks why a knock stayed without an answer."""
    if not reply.cancelled():
        reply.exception()


def _attempt(message: bytes) -> document.Element | document.Unreadable:
    try:
        return document.parse(message)
    except document.Unreadable as wrong:
        return wrong
