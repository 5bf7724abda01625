"""A router's command line as an operator has it: SSH, a terminal, vtysh, one line after another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from lab.runner import Lab

PROMPT = re.compile(r"(?:^|\n)\S+?(?:\([\w-]+\))?# $")


class Shell:
    """One session; a line that is answered with anything unexpected is an AssertionError."""

    def __init__(self, loop: asyncio.Runner, terminal: asyncssh.SSHClientProcess[str]) -> None:
        self._loop = loop
        self._terminal = terminal

    def ask(self, line: str) -> str:
        """Send one line and return what it printed."""
        self._terminal.stdin.write(f"{line}\n")
        return self._loop.run(self._answer()).partition("\n")[2]

    def configure(self, *lines: str) -> None:
        """Send lines of configuration, none of which may be answered."""
        for line in ("configure terminal", *lines, "end"):
            words = self.ask(line)
            assert words == "", f"{line}: {words}"

    async def greeted(self) -> Shell:
        await self._answer()
        return self

    async def _answer(self) -> str:
        text = ""
        async with asyncio.timeout(300):
            while not (end := PROMPT.search(text)):
                text += (await self._terminal.stdout.read(65536)).replace("\r", "")
        return text[: end.start() + 1].removesuffix("\n") if end.start() else text[: end.start()]


@contextmanager
def opened(network: Lab, node: str) -> Iterator[Shell]:
    """Be logged in as the operator for a block."""
    with asyncio.Runner() as loop:
        with network.in_mgmt():
            connection = loop.run(_login(network, node))
        try:
            yield loop.run(_shell(loop, connection))
        finally:
            connection.abort()
            loop.run(connection.wait_closed())


async def _login(network: Lab, node: str) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        network.address(node),
        username="admin",
        password="admin",
        known_hosts=str(network.known_hosts),
        client_keys=None,
        config=None,
    )


async def _shell(loop: asyncio.Runner, connection: asyncssh.SSHClientConnection) -> Shell:
    # wide: on a narrow terminal readline scrolls long lines sideways
    terminal = await connection.create_process(term_type="dumb", term_size=(500, 50))
    return await Shell(loop, terminal).greeted()
