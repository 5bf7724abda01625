"""The contract that every driver which configures must keep, as checks over a peer.

``CHECKS`` are coroutine functions of one ``Peer``; run each on every peer of every driver, ours and
others. ``laws.follow`` takes generated trees beside. A broken promise raises BrokenContract::

    @pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
    async def test_my_driver(check): await check(contract.Peer(driver=MINE, ...))
"""

from collections.abc import Awaitable, Callable

from oss_agent.testing.contract import committing, confirming, locking, trusting
from oss_agent.testing.contract.laws import follow as follow
from oss_agent.testing.contract.peer import BrokenContract as BrokenContract
from oss_agent.testing.contract.peer import Peer as Peer

CHECKS: tuple[Callable[[Peer], Awaitable[None]], ...] = (
    *trusting.CHECKS,
    *locking.CHECKS,
    *committing.CHECKS,
    *confirming.CHECKS,
)
