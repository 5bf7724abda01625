"""Decides what a lock must mean: one holder, named to others, freed with its session."""

from __future__ import annotations

import asyncio

from oss_agent.errors import DeviceBusy
from oss_agent.spi import device
from oss_agent.testing.contract.peer import Peer, clean, expect, refused


async def lock_excludes_others_and_names_its_holder(peer: Peer) -> None:
    """The second session hears DeviceBusy, with the holder's session where devices tell it."""
    async with peer.session() as one, peer.session() as other:
        await one.lock()
        with refused(DeviceBusy) as no:
            await other.lock()
        named = no.error.holder or not peer.names_holder
        expect(named, "DeviceBusy names the session that holds the lock")
        await one.unlock()
        await other.lock()
        await other.unlock()


async def a_refused_lock_leaves_nothing_locked(peer: Peer) -> None:
    """A session that was refused a lock does not hold half of one."""
    async with peer.session() as one, peer.session() as other, peer.session() as third:
        await one.lock()
        with refused(DeviceBusy):
            await other.lock()
        await one.unlock()
        await third.lock()
        await third.unlock()


async def unlock_is_safe_when_not_held(peer: Peer) -> None:
    """Never locked, and unlocked twice."""
    async with peer.session() as session:
        await session.unlock()
        await session.lock()
        await session.unlock()
        await session.unlock()


async def a_dead_session_frees_its_lock_and_its_edits(peer: Peer) -> None:
    """The connection is cut with edits staged: the next session locks and finds nothing staged."""
    await clean(peer)
    async with peer.through_relay() as (relayed, relay):
        async with relayed.session() as dying:
            await dying.lock()
            await peer.stage(dying, peer.samples[0])
            relay.cut()
        async with peer.session() as next_one:
            await _wait_lock(next_one, peer.freed_within)
            expect(await next_one.diff() == "", "nothing is staged after the lock")
            await next_one.unlock()


async def lock_begins_with_a_clean_candidate(peer: Peer) -> None:
    """What somebody staged without a lock is gone when we hold it."""
    await clean(peer)
    async with peer.session() as careless, peer.session() as session:
        await peer.stage(careless, peer.samples[0])
        await session.lock()
        expect(await session.diff() == "", "lock starts from a clean candidate")
        await session.unlock()


async def _wait_lock(session: device.Session, within: float) -> None:
    async with asyncio.timeout(within):
        while True:
            try:
                await session.lock()
            except DeviceBusy:
                await asyncio.sleep(0.2)
            else:
                return


EXCLUDING = (lock_excludes_others_and_names_its_holder, a_refused_lock_leaves_nothing_locked)
"""Where the store has a lock of its own at all."""
CHECKS = (
    unlock_is_safe_when_not_held,
    a_dead_session_frees_its_lock_and_its_edits,
    lock_begins_with_a_clean_candidate,
)
