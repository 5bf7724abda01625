"""The shipped contract, check by check, on a share of our peers: what every file of drivers does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from oss_agent.testing import contract
from tests.contract import driver_peers


def each(share: Iterable[driver_peers.Entry]) -> pytest.MarkDecorator:
    """Every check on every one of these peers."""
    cases = [
        pytest.param(entry, check, id=f"{entry}-{check.__name__}", marks=entry.marks)
        for entry in share
        for check in contract.checks(entry.rung, excludes=entry.excludes)
    ]
    return pytest.mark.parametrize(("entry", "check"), cases)


async def judge(entry: driver_peers.Entry, check: contract.Check) -> None:
    """One check on a peer of its own."""
    async with entry.make() as peer, asyncio.timeout(300):
        assert (peer.rung, peer.excludes) == (entry.rung, entry.excludes)
        await check(peer)
