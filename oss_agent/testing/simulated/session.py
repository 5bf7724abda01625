"""Decides how one NETCONF session runs on a simulated device, with every fault it may show."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol
from xml.sax.saxutils import quoteattr

from oss_agent.testing.simulated import framing, mangling, markup
from oss_agent.testing.simulated.faults import Faults, Greeting
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.namespaces import BASE
from oss_agent.testing.simulated.operations import OK, Caller
from oss_agent.testing.simulated.rpc_error import RpcError

_GARBAGE = b"\x1b[2J*** maintenance tonight, do not type ]]> here ***\r\n\xff\xfe<hello"
_READ = 65536


class Reader(Protocol):
    """Bytes from the client; b"" at the end."""

    async def read(self, n: int = -1) -> bytes:
        """At most ``n`` bytes."""
        ...


class Writer(Protocol):
    """Bytes to the client."""

    def write(self, data: bytes) -> None:
        """Send, buffered."""
        ...

    async def drain(self) -> None:
        """Wait until there is room."""
        ...


class Host(Protocol):
    """What a session needs of its device."""

    @property
    def faults(self) -> Faults:
        """The knobs as they stand now."""
        ...

    @property
    def quick(self) -> asyncio.Event:
        """Set while commits are not held up."""
        ...

    def hello(self, session: int | None) -> bytes:
        """The hello to send."""
        ...

    def perform(self, caller: Caller, operation: Element) -> str:
        """Carry an operation out; RpcError when the device says no."""
        ...

    @property
    def pending(self) -> bool:
        """Whether a confirmed commit waits for its confirmation."""
        ...

    def reboot_now(self) -> None:
        """Start anew."""
        ...

    def count_commit(self) -> int:
        """The number of this commit since the faults were set, from 1."""
        ...

    def note_fault(self, session: int, detail: str) -> None:
        """Write down that a fault showed."""
        ...


class Cut(Exception):
    """The connection must end now, without another byte."""


class NetconfSession:
    """One session: greets, reads, answers, until the client or a fault ends it."""

    def __init__(
        self, host: Host, number: int, reader: Reader, writer: Writer, kill: Callable[[int], bool]
    ) -> None:
        self._host = host
        self._caller = Caller(number, kill)
        self._reader = reader
        self._writer = writer
        self._unframer = framing.Unframer()
        self._reads = 0

    async def run(self) -> None:
        """Serve until close-session, the end of input or broken framing; Cut to abort."""
        await self._greet()
        hello = await self._next_message()
        if hello is None:
            return
        self._unframer.chunked = await self._agree(hello)
        while (message := await self._next_message()) is not None:
            if not await self._serve(message):
                return

    async def _greet(self) -> None:
        greeting = self._host.faults.greeting
        if greeting is Greeting.SILENT:
            self._host.note_fault(self._caller.session, "no hello")
            return
        if greeting is Greeting.GARBAGE:
            self._host.note_fault(self._caller.session, "garbage for a hello")
            await self._send_raw(_GARBAGE)
            return
        number = None if greeting is Greeting.NO_SESSION_ID else self._caller.session
        await self._send_raw(framing.frame(self._host.hello(number), chunked=False))

    async def _agree(self, hello: bytes) -> bool:
        """Whether both sides speak base:1.1 (RFC 6242 4.1)."""
        theirs = {e.words for e in markup.parse(hello).walk() if e.name == "capability"}
        if self._host.faults.coalesced_hangs:
            while not self._unframer.holds_more:
                data = await self._reader.read(_READ)
                if not data:
                    break
                self._unframer.feed(data)
            self._host.note_fault(self._caller.session, "hello and RPC in one read")
            self._unframer.feed(await self._reader.read(_READ))
        both = "urn:ietf:params:netconf:base:1.1"
        return both in theirs and both.encode() in self._host.hello(None)

    async def _next_message(self) -> bytes | None:
        while (message := self._unframer.next_message()) is None:
            data = await self._reader.read(_READ)
            if not data:
                return None
            self._unframer.feed(data)
        return message

    async def _serve(self, message: bytes) -> bool:
        """Answer one message; False when the session is over."""
        try:
            rpc = markup.parse(message)
            operation = _operation(rpc)
        except (markup.Malformed, RpcError) as error:
            await self._reply({}, _malformed(error))
            return True
        if self._host.faults.half_open or self._swallows(operation):
            self._host.note_fault(self._caller.session, f"{operation.name} swallowed")
            return True
        attributes = dict(rpc.attributes)
        if _makes_live(operation):
            await self._commit(attributes, operation)
        else:
            await self._reply(attributes, self._body(operation.name, operation))
        return operation.name != "close-session"

    def _swallows(self, operation: Element) -> bool:
        faults = self._host.faults
        if operation.name == "get-config":
            self._reads += 1
            return faults.swallow_read == self._reads
        plain = operation.name == "commit" and operation.child("confirmed") is None
        return faults.swallow_confirm and plain and self._host.pending

    async def _commit(self, attributes: dict[str, str], operation: Element) -> None:
        faults, number = self._host.faults, self._host.count_commit()
        if faults.drop_before_commit == number:
            raise self._cut("before commit")
        await self._hold_up(faults.commit_takes)
        body = self._body(operation.name, operation)
        if faults.lose_commit_reply == number:
            raise self._cut("commit reply lost")
        await asyncio.sleep(faults.commit_delay)
        await self._reply(attributes, body)
        if faults.reboot_after_commit == number:
            self._host.note_fault(self._caller.session, "reboot")
            self._host.reboot_now()
            raise Cut

    async def _hold_up(self, seconds: float) -> None:
        """Wait so long before carrying a commit out, or until the fault is mended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._host.quick.wait()

    def _cut(self, detail: str) -> Cut:
        self._host.note_fault(self._caller.session, detail)
        return Cut()

    def _body(self, name: str, operation: Element) -> str:
        faults = self._host.faults
        if name == "edit-config" and faults.warning_then_error:
            return _warning() + RpcError("operation-failed", "statement not found").xml()
        try:
            body = self._host.perform(self._caller, operation)
        except RpcError as error:
            return error.xml()
        if name == "commit" and faults.warning_with_ok:
            body = _warning() + body
        if body != OK and faults.reply_padding:
            body = body.replace("<data>", "<data>" + " " * faults.reply_padding, 1)
        return body

    async def _reply(self, attributes: dict[str, str], body: str) -> None:
        faults = self._host.faults
        if faults.wrong_message_id:
            attributes = {**attributes, "message-id": "no-such-request"}
        named = "".join(f" {k}={quoteattr(v)}" for k, v in attributes.items() if k[0] != "{")
        reply = f'<rpc-reply xmlns="{BASE}"{named}>{body}</rpc-reply>'.encode()
        framed = mangling.frame(reply, faults.mangling, chunked=self._unframer.chunked)
        for _ in range(2 if faults.answers_twice else 1):
            await self._send_raw(faults.garbage_reply or framed)

    async def _send_raw(self, data: bytes) -> None:
        delay = self._host.faults.byte_delay
        for piece in (data[n : n + 1] for n in range(len(data))) if delay else (data,):
            self._writer.write(piece)
            await self._writer.drain()
            if delay:
                await asyncio.sleep(delay)


def _operation(rpc: Element) -> Element:
    if (rpc.namespace, rpc.name) != (BASE, "rpc"):
        raise RpcError("malformed-message", "the message is no rpc", "rpc")
    if "message-id" not in rpc.attributes:
        info = [("bad-attribute", "message-id"), ("bad-element", "rpc")]
        raise RpcError("missing-attribute", "message-id is missing", "rpc", info=info)
    if len(rpc.children) != 1:
        raise RpcError("missing-element", "one operation per rpc", "rpc")
    return rpc.children[0]


def _makes_live(operation: Element) -> bool:
    """A commit, or an edit of running, which is both in one."""
    if operation.name != "edit-config":
        return operation.name == "commit"
    target = operation.child("target")
    return target is not None and [child.name for child in target.children] == ["running"]


def _malformed(error: markup.Malformed | RpcError) -> str:
    if isinstance(error, RpcError):
        return error.xml()
    return RpcError("malformed-message", str(error), "rpc").xml()


def _warning() -> str:
    return RpcError("operation-failed", "this is only a warning", severity="warning").xml()
