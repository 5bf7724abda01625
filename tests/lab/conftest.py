"""The lab other rooms' tests share: `telco5`, up and settled, started once per run.

Tests that break something heal it in `finally`: the next test gets the same lab.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator

import asyncssh
import pytest

import lab.containerlab
from lab import convergence, doctor, runner
from lab.errors import LabUnavailable
from lab.runner import Lab

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
# base:1.1: netconfd has no persist and no operation="remove" in a base:1.0 session
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.1'
    "</capability></capabilities></hello>]]>]]>"
)


def say(words: str) -> None:
    print(f"lab: {words}", file=sys.stderr)


def unavailable(reason: LabUnavailable) -> None:
    """Skip, or fail where the lab must not be missing."""
    if os.environ.get("OSS_AGENT_REQUIRE_LAB") == "1":
        pytest.fail(f"the lab cannot run and OSS_AGENT_REQUIRE_LAB=1: {reason}")
    pytest.skip(f"the lab cannot run here: {reason}")


@pytest.fixture(scope="session")
def lab_ground() -> None:
    """Skip or fail when no lab can run here; the packages are there afterwards."""
    reason = doctor.missing(install_first=True)
    if reason is not None:
        unavailable(reason)


@pytest.fixture(scope="session")
def telco5(lab_ground: None) -> Iterator[Lab]:  # noqa: ARG001 - a fixture's order
    """Five routers and five hosts with routing settled; its own name, so a demo's lab may be up too."""
    with runner.running(lab.containerlab.TELCO5, name="telco5-test", say=say) as network:
        say(f"routing settled after {convergence.wait(network, say=say):.1f} s")
        yield network


class Netconf:
    """The smallest client that talks NETCONF to a node over SSH, host key checked."""

    def __init__(self, network: Lab, node: str) -> None:
        self.network = network
        self.node = node

    def ask(self, *operations: str, hold: float = 0.0) -> list[str]:
        """Send operations one after the other in one session and return the replies."""
        with self.network.in_mgmt():
            return asyncio.run(self._session(operations, hold))

    async def _session(self, operations: tuple[str, ...], hold: float) -> list[str]:
        connection = await asyncssh.connect(
            self.network.address(self.node),
            830,
            username="admin",
            password="admin",
            known_hosts=str(self.network.known_hosts),
            client_keys=None,
            config=None,
        )
        replies: list[str] = []
        async with connection:
            stdin, stdout, _ = await connection.open_session(subsystem="netconf", encoding="utf-8")
            stdin.write(HELLO)
            await asyncio.wait_for(stdout.readuntil("]]>]]>"), 10)
            await asyncio.sleep(0.06)  # netconfd waits when hello and first RPC come together
            for number, operation in enumerate(operations, start=1):
                rpc = f'<rpc message-id="{number}" xmlns="{BASE}">{operation}</rpc>'
                stdin.write(f"\n#{len(rpc.encode())}\n{rpc}\n##\n")
                chunks = str(await asyncio.wait_for(stdout.readuntil("\n##\n"), 10))
                replies.append(re.sub(r"\n#(\d+|#)\n", "", chunks))
            await asyncio.sleep(hold)
        return replies


@pytest.fixture
def netconf() -> type[Netconf]:
    """Make NETCONF clients: `netconf(lab, "pe1").ask(operation, ...)`."""
    return Netconf
