"""The contract of frr_linux on FRR's command line."""

from __future__ import annotations

import pytest

from oss_agent.testing import contract
from tests.contract import driver_peers, judging

pytestmark = pytest.mark.anyio


@judging.each(driver_peers.SHARES["vtysh"])
async def test_contract(entry: driver_peers.Entry, check: contract.Check) -> None:
    await judging.judge(entry, check)
