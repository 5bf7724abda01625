"""Decides what a commit must mean where the device has no timer: live for good, nothing pending."""

from __future__ import annotations

from oss_agent.errors import ChangeRejected
from oss_agent.spi.device import Pending
from oss_agent.testing.contract.peer import Peer, clean, expect, expect_equal, refused

_TOKEN = "contract-1.1"  # noqa: S105 - a persist token, no secret


async def a_timer_and_a_token_mean_nothing(peer: Peer) -> None:
    """The session ends unconfirmed and the change stays; nobody finds anything pending."""
    await clean(peer)
    async with peer.session() as session:
        await session.lock()
        await peer.stage(session, peer.samples[0])
        await session.commit(confirm_within=1, persist=_TOKEN)
        found = await session.probe_pending(persist=None, confirm_within=1)
        await session.unlock()
    async with peer.session() as session:
        later = await session.probe_pending(persist=_TOKEN, confirm_within=1)

    expect_equal((found, later), (Pending.GONE, Pending.GONE), "nothing is ever pending")
    expect(await peer.holds(peer.samples[0]), "it is live for good")


async def confirm_and_cancel_do_nothing(peer: Peer) -> None:
    """Before and after a commit, and nothing that is staged becomes live by them."""
    await clean(peer, peer.samples[0])
    async with peer.session() as session:
        before = await session.snapshot()
        await session.cancel(persist=_TOKEN)
        await session.lock()
        await peer.stage(session, peer.samples[1])
        await session.confirm(persist=_TOKEN)
        await session.cancel()
        after = await session.snapshot()
        await session.discard()
        await session.unlock()

    expect_equal(after, before, "neither changes anything")


async def after_a_refusal_nothing_is_staged(peer: Peer) -> None:
    """What a device refused must not ride along with the next commit, of whomever."""
    await clean(peer, peer.samples[0])
    async with peer.session() as session:
        with refused(ChangeRejected):
            await peer.stage(session, peer.refused)
            await session.commit()
        await session.discard()
        expect_equal(await session.diff(), "", "nothing is left of it")
        await session.commit()

    expect(await peer.holds(peer.samples[0]), "an empty commit changes nothing")


CHECKS = (
    a_timer_and_a_token_mean_nothing,
    confirm_and_cancel_do_nothing,
    after_a_refusal_nothing_is_staged,
)
