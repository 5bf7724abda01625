"""The contract over netmiko, on a simulated router."""

from __future__ import annotations

import pytest

from oss_agent.testing import contract
from tests.contract import driver_peers, judging

pytestmark = pytest.mark.anyio


@judging.each(driver_peers.SHARES["netmiko"])
async def test_contract(entry: driver_peers.Entry, check: contract.Check) -> None:
    await judging.judge(entry, check)
