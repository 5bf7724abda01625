"""The lab other rooms' tests share: `telco5`, up and settled, started once per run.

Tests that break something heal it in `finally`: the next test gets the same lab.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh
import pytest

import lab.containerlab
from lab import convergence, doctor, runner
from lab.runner import Lab
from tests import lab_or_skip
from tests.lab import births as nurseries

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
# base:1.1: netconfd has no persist and no operation="remove" in a base:1.0 session
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.1'
    "</capability></capabilities></hello>]]>]]>"
)
NOTHING = "<get-config><source><running/></source><filter/></get-config>"


def say(words: str) -> None:
    print(f"lab: {words}", file=sys.stderr)


@pytest.fixture(scope="session")
def lab_ground() -> None:
    """Skip or fail when no lab can run here; the packages are there afterwards."""
    reason = doctor.missing(install_first=True)
    with lab_or_skip.needed():
        if reason is not None:
            raise reason


@pytest.fixture(scope="session")
def telco5(lab_ground: None) -> Iterator[Lab]:  # noqa: ARG001 - a fixture's order
    """Five routers and five hosts with routing settled; its own name, so a demo's lab may be up too."""
    with runner.running(lab.containerlab.TELCO5, name="telco5-test", say=say) as network:
        say(f"routing settled after {convergence.wait(network, say=say):.1f} s")
        yield network


@pytest.fixture(scope="session")
def births(telco5: Lab) -> Iterator[nurseries.Births]:
    """Where the lab's agents are born, but for those whose start is looked at."""
    with nurseries.opened(telco5) as there:
        yield there


class Netconf:
    """The smallest client that talks NETCONF to a node over SSH, host key checked."""

    def __init__(self, network: Lab, node: str) -> None:
        self.network = network
        self.node = node

    def ask(self, *operations: str) -> list[str]:
        """Send operations one after the other in one session and return the replies."""
        with self.session() as talk:
            return [talk.ask(operation) for operation in operations]

    @contextmanager
    def session(self) -> Iterator[Talk]:
        """One session for a block: what it locked stays locked until the block ends."""
        with asyncio.Runner() as loop:
            with self.network.in_mgmt():
                talk = loop.run(self._open(loop))
            try:
                yield talk
            finally:
                loop.run(talk.close())

    async def _open(self, loop: asyncio.Runner) -> Talk:
        connection = await asyncssh.connect(
            self.network.address(self.node),
            830,
            username="admin",
            password="admin",
            known_hosts=str(self.network.known_hosts),
            client_keys=None,
            config=None,
        )
        stdin, stdout, _ = await connection.open_session(subsystem="netconf", encoding="utf-8")
        stdin.write(HELLO)
        greeting = str(await asyncio.wait_for(stdout.readuntil("]]>]]>"), 300))
        named = re.search(r"<session-id>(\d+)</session-id>", greeting)
        assert named, greeting
        talk = Talk(loop, connection, stdin, stdout, named[1])
        await talk.knock()
        return talk


class Talk:
    """One open session. ``id`` is the session-id the server gave it."""

    def __init__(
        self,
        loop: asyncio.Runner,
        connection: asyncssh.SSHClientConnection,
        stdin: asyncssh.SSHWriter[str],
        stdout: asyncssh.SSHReader[str],
        name: str,
    ) -> None:
        self.id = name
        self._loop = loop
        self._connection = connection
        self._stdin = stdin
        self._stdout = stdout
        self._number = 0

    def ask(self, operation: str) -> str:
        """Send one operation and return its reply."""
        return self._loop.run(self._ask(operation))

    async def knock(self) -> None:
        """Ask for nothing until it answers: netconfd sits on a first RPC that came with the hello."""
        sent, answered = 0, asyncio.ensure_future(self._answer())
        while not answered.done():
            self._send(NOTHING)
            sent += 1
            await asyncio.wait([answered], timeout=0.25)
        await answered
        for _ in range(sent - 1):
            await self._answer()

    async def _ask(self, operation: str) -> str:
        self._send(operation)
        return await self._answer()

    def _send(self, operation: str) -> None:
        self._number += 1
        rpc = f'<rpc message-id="{self._number}" xmlns="{BASE}">{operation}</rpc>'
        self._stdin.write(f"\n#{len(rpc.encode())}\n{rpc}\n##\n")

    async def _answer(self) -> str:
        chunks = str(await asyncio.wait_for(self._stdout.readuntil("\n##\n"), 300))
        return re.sub(r"\n#(\d+|#)\n", "", chunks)

    async def close(self) -> None:
        """End the session; the server gives its locks back."""
        self._connection.abort()
        await self._connection.wait_closed()


@pytest.fixture(scope="session")
def netconf() -> type[Netconf]:
    """Make NETCONF clients: `netconf(lab, "pe1").ask(operation, ...)`."""
    return Netconf
