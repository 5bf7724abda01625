"""A NETCONF client that judges nothing: sends the bytes it is given, returns the bytes it gets.

Speaks base:1.1 (netconfd knows ``remove`` and ``persist`` only there), one chunk a message.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncssh
from lxml import etree

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
LAB = "urn:oss-agent:lab:services"
_END = b"]]>]]>"
_END_OF_CHUNKS = b"\n##\n"
_CHUNK = re.compile(rb"\n#([0-9]+)\n")
_HELLO = (
    f'<hello xmlns="{BASE}"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>"
)
_NOTHING = (
    f'<get-config><source><running/></source><filter type="subtree"><x xmlns="{LAB}"/></filter>'
    "</get-config>"
)
_KNOCK_AGAIN = 0.3


@dataclass(frozen=True, slots=True)
class Server:
    """Where a NETCONF server listens."""

    host: str
    port: int
    user: str
    password: str
    host_key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``ok``, the tags of its errors in order, the paths, and the whole reply."""

    ok: bool
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    reply: bytes

    @property
    def word(self) -> str:
        """``ok``, ``data`` or the first error-tag: the class of the answer."""
        if self.tags:
            return self.tags[0]
        return "ok" if self.ok else "data"


class RawSession:
    """One session; every request is sent as given, with a message-id of its own."""

    def __init__(
        self, writer: asyncssh.SSHWriter[bytes], reader: asyncssh.SSHReader[bytes]
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._number = 0

    async def hello(self) -> bytes:
        """Exchange hellos; the server's."""
        theirs = await self._reader.readuntil(_END)
        self._writer.write(_HELLO.encode() + _END)
        return theirs[: -len(_END)]

    async def knock(self) -> None:
        """Ask for nothing until it answers: netconfd sits on a first RPC that came with the hello."""
        sent = 0
        answered = asyncio.ensure_future(self._answer())
        while not answered.done():
            self._send(_NOTHING)
            sent += 1
            await asyncio.wait([answered], timeout=_KNOCK_AGAIN)
        for _ in range(sent - 1):
            await self._answer()
        await answered

    async def ask(self, operation: str) -> Answer:
        """Send one operation, inside an rpc element, and wait for its answer."""
        self._send(operation)
        return await self._answer()

    def _send(self, operation: str) -> None:
        self._number += 1
        rpc = f'<rpc xmlns="{BASE}" message-id="{self._number}">{operation}</rpc>'.encode()
        self._writer.write(b"\n#%d\n%s" % (len(rpc), rpc) + _END_OF_CHUNKS)

    async def _answer(self) -> Answer:
        return _read(_joined(await self._reader.readuntil(_END_OF_CHUNKS)))


def _joined(framed: bytes) -> bytes:
    """The chunks' contents. None of ours ever holds the end mark."""
    message = b""
    while (header := _CHUNK.match(framed)) is not None:
        end = header.end() + int(header[1])
        message += framed[header.end() : end]
        framed = framed[end:]
    return message


def _read(reply: bytes) -> Answer:
    root = etree.fromstring(reply.strip())
    tags, paths = (
        tuple(str(element.text) for element in root.iter(f"{{{BASE}}}{name}"))
        for name in ("error-tag", "error-path")
    )
    return Answer(root.find(f"{{{BASE}}}ok") is not None, tags, paths, reply)


@asynccontextmanager
async def connection(server: Server) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Log in, the host key pinned."""
    key = asyncssh.import_public_key(server.host_key)
    async with asyncssh.connect(
        server.host,
        server.port,
        username=server.user,
        password=server.password,
        known_hosts=([key], [], []),
        client_keys=None,
        config=None,
    ) as link:
        yield link


@asynccontextmanager
async def session(link: asyncssh.SSHClientConnection) -> AsyncIterator[RawSession]:
    """One NETCONF session over an SSH connection; closed by hanging up."""
    writer, reader, _ = await link.open_session(subsystem="netconf", encoding=None)
    raw = RawSession(writer, reader)
    await raw.hello()
    try:
        yield raw
    finally:
        writer.channel.abort()
        await writer.channel.wait_closed()
