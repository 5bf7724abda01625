"""The contract that every driver which configures must keep, as checks over a peer.

``checks(rung)`` are coroutine functions of one ``Peer``: what every store owes, and what its rung of
the ladder adds. Run each on every peer of every driver, ours and others; ``laws.follow`` takes
generated trees beside. A broken promise raises BrokenContract::

    @pytest.mark.parametrize("check", contract.checks(Rung.LINES), ids=lambda check: check.__name__)
    async def test_my_driver(check): await check(contract.Peer(driver=MINE, ...))
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from oss_agent.spi.device import Rung
from oss_agent.testing.contract import committing, confirming, for_good, locking, trusting
from oss_agent.testing.contract.laws import follow as follow
from oss_agent.testing.contract.peer import BrokenContract as BrokenContract
from oss_agent.testing.contract.peer import Peer as Peer
from oss_agent.testing.contract.peer import clean as clean

Check: TypeAlias = Callable[[Peer], Awaitable[None]]


def checks(rung: Rung, *, excludes: bool = True) -> tuple[Check, ...]:
    """What a store on this rung must keep; ``excludes`` as in ``Peer``."""
    return (
        *trusting.CHECKS,
        *(locking.EXCLUDING if excludes else ()),
        *locking.CHECKS,
        *committing.CHECKS,
        *(confirming.checks(rung) if rung.timed else for_good.CHECKS),
    )
