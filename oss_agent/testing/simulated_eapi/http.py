"""Decides how a request reaches the command line: one POST per connection, login before anything."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oss_agent.testing.simulated_eapi.commands import Commands, Failure
from oss_agent.testing.simulated_eapi.faults import Faults

_LONGEST = 4 * 1024 * 1024
Told = Callable[[str], None]


@dataclass(slots=True)
class Door:
    """Serves one connection after another; ``told`` hears each Authorization header that comes."""

    commands: Commands
    faults: Faults
    username: str
    password: str
    told: Told
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[asyncio.Task[None] | None] = field(default_factory=set[asyncio.Task[None] | None])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, close."""
        self.open.add(asyncio.current_task())
        try:
            await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the other side went away, or sent what is no request
        finally:
            await _closed(writer)
            self.open.discard(asyncio.current_task())

    async def shut(self) -> None:
        """End every connection there is."""
        self.closing.set()
        waiting = [task for task in self.open if task is not None]
        if waiting:
            await asyncio.wait(waiting)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(min(int(headers.get("content-length", "0")), _LONGEST))
        if not self._known(headers.get("authorization", "")):
            return await _reply(writer, "401 Unauthorized", b"Unable to authenticate user")
        if not head[0].startswith("POST /command-api "):
            return await _reply(writer, "404 Not Found", b"no such page")
        await self._run(json.loads(body), writer)
        return None

    def _known(self, authorization: str) -> bool:
        if authorization:
            self.told(authorization)
        wanted = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return authorization == f"Basic {wanted}"

    async def _run(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        commands = [_words(command) for command in request["params"]["cmds"]]
        commits = any(" commit" in command for command in commands)
        if commits and self.faults.takes("lose_requests"):
            return writer.transport.abort()
        answer = self._answer(request, commands)
        await self._wait(self.faults.delay + (self.faults.commit_delay if commits else 0.0))
        if commits and self.faults.takes("lose_answers"):
            return writer.transport.abort()
        body = b"<html>" if self.faults.takes("garbage") else json.dumps(answer).encode()
        return await _reply(writer, "200 OK", body)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closing.wait()

    def _answer(self, request: dict[str, Any], commands: list[str]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            return {**head, "result": self.commands.run(commands)}
        except Failure as no:
            return {**head, "error": {"code": no.code, "message": no.message, "data": no.data}}


def _words(command: str | dict[str, str]) -> str:
    return command if isinstance(command, str) else command["cmd"]


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _reply(writer: asyncio.StreamWriter, status: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
