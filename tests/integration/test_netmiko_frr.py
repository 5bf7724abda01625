"""netmiko on a real command line: FRR's vtysh behind OpenSSH, by the checks where the box matters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from drivers.netmiko_adapter.driver import NetmikoDriver
from lab import peers
from oss_agent.testing import contract
from oss_agent.testing.contract import committing, laws, trusting
from tests import lab_or_skip
from tests.contract import adapter_peers, line_peers

pytestmark = [pytest.mark.peer, pytest.mark.anyio]
_CARRIED = ("command_line:", "netmiko: {device_type: cisco_ios}\ncommand_line:")


@pytest.fixture(scope="module")
def vtysh() -> Iterator[contract.Peer]:
    with (
        lab_or_skip.needed(),
        peers.frr() as router,
        adapter_peers.data("frr_linux", _CARRIED) as folder,
    ):
        yield contract.Peer(
            driver=NetmikoDriver("frr_linux", data=folder),
            endpoint=line_peers.frr_endpoint(router),
            scope=line_peers.SCOPE,
            samples=line_peers.SAMPLES,
            refused=line_peers.REFUSED,
            protocol="ssh",
            excludes=False,
        )


@pytest.mark.parametrize(
    "check",
    [
        trusting.another_host_key_is_refused_before_any_login,
        trusting.a_wrong_password_is_refused,
        committing.a_commit_is_live_and_read_back,
        committing.a_refused_change_leaves_running_as_before,
    ],
    ids=lambda check: check.__name__,
)
async def test_the_contract_holds(check: contract.Check, vtysh: contract.Peer) -> None:
    async with asyncio.timeout(300):
        await check(vtysh)


async def test_undo_is_byte_for_byte_the_identity(vtysh: contract.Peer) -> None:
    async with asyncio.timeout(300):
        await laws.follow(vtysh, vtysh.samples)
