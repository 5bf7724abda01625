"""Decides what a confirmed commit must mean: it undoes itself unless it is confirmed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from oss_agent.errors import ChangeRejected, DeviceError
from oss_agent.spi import device
from oss_agent.spi.device import Pending, Rung
from oss_agent.spi.tree import Tree
from oss_agent.testing.contract.peer import (
    BrokenContract,
    Peer,
    clean,
    expect,
    expect_equal,
    refused,
)

_TOKEN = "contract-1.1"  # noqa: S105 - a persist token, no secret
_OTHER = "contract-2.1"
_LONG = 60.0


async def confirmed_in_time_it_stays(peer: Peer) -> None:
    """Past the moment when the timer would have rung."""
    within = await in_time(peer, peer.shortest_timer, _confirmed)
    await asyncio.sleep(within + peer.patience)

    expect(await peer.holds(peer.samples[0]), "a confirmed commit outlives its timer")


async def _confirmed(peer: Peer, within: float, clock: Clock) -> None:
    await clean(peer)
    async with peer.session() as session:
        await _edit(peer, session)
        with clock.timer(within):
            await session.commit(confirm_within=within, persist=_token(peer))
            await session.confirm(persist=_token(peer))


async def confirmed_by_its_own_session_it_stays(peer: Peer) -> None:
    """Without a token: the same session confirms."""
    await clean(peer)
    async with peer.session() as session:
        await _hold(peer, session, _LONG, None)
        await session.confirm()

    expect(await peer.holds(peer.samples[0]), "confirmed without a token, it stays")


async def cancelled_it_is_as_before(peer: Peer) -> None:
    """Cancel at once; the whole of running is as before. Its session may have been ended by it."""
    await clean(peer, peer.samples[1])
    async with peer.session() as session:
        before = await session.snapshot()
        await _hold(peer, session, _LONG, _token(peer))
        held = await session.snapshot()
        await session.cancel(persist=_token(peer))
    async with peer.session() as session:
        after = await session.snapshot()
        await session.cancel(persist=_token(peer))

    expect(held != before, "a held change is live")
    expect_equal(after, before, "a cancelled change leaves running byte for byte as before")


async def unconfirmed_it_is_as_before(peer: Peer) -> None:
    """Nobody confirms: the timer undoes it, and confirming then is refused."""
    await clean(peer, peer.samples[1])
    async with peer.session() as session:
        before = await session.snapshot()
        await _hold(peer, session, peer.shortest_timer, _token(peer))
        await asyncio.sleep(peer.shortest_timer + peer.patience)
        after = await session.snapshot()
        with refused(ChangeRejected):
            await session.confirm(persist=_token(peer))

    expect_equal(after, before, "an expired change leaves running byte for byte as before")


async def without_a_token_it_dies_with_its_session(peer: Peer) -> None:
    """RFC 6241 8.4.1: the session that issued it ends, so does the change."""
    await clean(peer, peer.samples[1])
    async with peer.session() as session:
        await _hold(peer, session, _LONG, None)

    await _wait_holds(peer, peer.samples[1])


async def another_session_confirms(peer: Peer) -> None:
    """The first session is cut; a new one finds it held and confirms."""
    await clean(peer)
    await _hold_and_die(peer)
    async with peer.session() as session:
        found = await session.probe_pending(persist=_token(peer), confirm_within=_LONG)
        await session.confirm(persist=_token(peer))

    expect_equal(found, Pending.HELD, "the pending commit survives its session")
    expect(await peer.holds(peer.samples[0]), "confirmed from another session, it stays")


async def another_session_cancels(peer: Peer) -> None:
    """The first session is cut; a new one cancels."""
    await clean(peer, peer.samples[1])
    await _hold_and_die(peer)
    async with peer.session() as session:
        await session.cancel(persist=_token(peer))

    expect(await peer.holds(peer.samples[1]), "cancelled from another session, it is as before")


async def probing_moves_the_timer(peer: Peer) -> None:
    """HELD re-arms: what would have expired is still there, and still undoes itself."""
    await in_time(peer, peer.shortest_timer + 1, _probed)

    expect(await peer.holds(peer.samples[1]), "all of it is undone together")


async def _probed(peer: Peer, within: float, clock: Clock) -> None:
    await clean(peer, peer.samples[1])
    async with peer.session() as session:
        await _edit(peer, session)
        with clock.timer(within):
            await session.commit(confirm_within=within, persist=_token(peer))
            probing = time.monotonic()
            found = await session.probe_pending(persist=_token(peer), confirm_within=within + _LONG)
        expect_equal(found, Pending.HELD, "ours is held")
        with clock.timer(within + _LONG, since=probing):
            await asyncio.sleep(within + peer.patience)
            live = await peer.content(session)
            await session.cancel(persist=_token(peer))

    expect_equal(live, peer.samples[0], "a probe re-arms the timer")


async def probing_finds_nothing_where_nothing_is(peer: Peer) -> None:
    """GONE, before anything was committed and in another session than the one that confirmed."""
    await clean(peer)
    async with peer.session() as session:
        before = await session.probe_pending(persist=_token(peer), confirm_within=_LONG)
        await _hold(peer, session, _LONG, _token(peer))
        await session.confirm(persist=_token(peer))
        await session.unlock()
    async with peer.session() as session:
        after = await session.probe_pending(persist=_token(peer), confirm_within=_LONG)

    expect_equal((before, after), (Pending.GONE, Pending.GONE), "nothing pending is GONE")
    expect(await peer.holds(peer.samples[0]), "and a probe changes nothing")


async def probing_tells_gone_from_others(peer: Peer) -> None:
    """Nothing pending: GONE. Another token pending: OTHERS, left as it is."""
    await clean(peer)
    async with peer.session() as session:
        nothing = await session.probe_pending(persist=_TOKEN, confirm_within=_LONG)
        await _hold(peer, session, _LONG, _OTHER)
        others = await session.probe_pending(persist=_TOKEN, confirm_within=_LONG)
        with refused(ChangeRejected):
            await session.confirm(persist=_TOKEN)
        await session.confirm(persist=_OTHER)

    expect_equal(nothing, Pending.GONE, "nothing pending is GONE")
    expect_equal(others, Pending.OTHERS, "another token is OTHERS")
    expect(await peer.holds(peer.samples[0]), "the other's commit was not touched")


async def probing_commits_nothing_else(peer: Peer) -> None:
    """What somebody staged meanwhile is not made live by our probe or confirm."""
    await clean(peer)
    async with peer.session() as session, peer.session() as careless:
        await _hold(peer, session, _LONG, _TOKEN)
        await session.unlock()
        await peer.stage(careless, peer.samples[2])
        await session.probe_pending(persist=_TOKEN, confirm_within=_LONG)
        await peer.stage(careless, peer.samples[2])
        await session.confirm(persist=_TOKEN)

    expect(await peer.holds(peer.samples[0]), "only ours is live")


class Clock:
    """Ours, beside the device's timers: ``late`` once one of them may have rung before we were done."""

    def __init__(self) -> None:
        self.late = False

    @contextmanager
    def timer(self, within: float, *, since: float | None = None) -> Iterator[None]:
        """Of so many seconds, begun not before the block, or ``since``: the block must end before it rings."""
        begun = time.monotonic() if since is None else since
        try:
            yield
        finally:
            self.late = self.late or time.monotonic() - begun >= within


Timed: TypeAlias = Callable[[Peer, float, Clock], Awaitable[None]]


async def in_time(peer: Peer, within: float, act: Timed) -> float:
    """Act before a timer of so many seconds rings; who was late by our clock tries a longer one.

    Machines stand still for seconds: a device whose timer rang first has kept its promise. What fails
    in time has failed. Returns the timer that there was time in.
    """
    for longer in (within, 10 * within):
        clock = Clock()
        try:
            await act(peer, longer, clock)
        except (BrokenContract, DeviceError):
            if not clock.late:
                raise
        else:
            return longer
    await act(peer, _LONG, Clock())
    return _LONG


async def _edit(peer: Peer, session: device.Session) -> None:
    await session.lock()
    await peer.stage(session, peer.samples[0])


async def _hold(peer: Peer, session: device.Session, within: float, persist: str | None) -> None:
    await _edit(peer, session)
    await session.commit(confirm_within=within, persist=persist)


async def _hold_and_die(peer: Peer) -> None:
    async with peer.through_relay() as (relayed, relay), relayed.session() as session:
        await _hold(peer, session, _LONG, _token(peer))
        relay.cut()


def _token(peer: Peer) -> str | None:
    return _TOKEN if peer.rung is Rung.PERSIST else None


async def _wait_holds(peer: Peer, target: Tree) -> None:
    async with asyncio.timeout(_LONG / 4):
        while True:
            if await peer.holds(target):
                return
            await asyncio.sleep(peer.patience)


_TIMED = (
    confirmed_in_time_it_stays,
    cancelled_it_is_as_before,
    unconfirmed_it_is_as_before,
    probing_moves_the_timer,
    probing_finds_nothing_where_nothing_is,
)
_TIED = (confirmed_by_its_own_session_it_stays, without_a_token_it_dies_with_its_session)
_SURVIVING = (another_session_confirms, another_session_cancels)
_BY_TOKEN = (probing_tells_gone_from_others, probing_commits_nothing_else)
_BY_RUNG = {
    Rung.PERSIST: (*_TIMED, *_TIED, *_SURVIVING, *_BY_TOKEN),
    Rung.CONFIRMED: (*_TIMED, *_TIED),
    Rung.TIMED: (*_TIMED, *_SURVIVING),
}


def checks(rung: Rung) -> tuple[Callable[[Peer], Awaitable[None]], ...]:
    """What a timed rung adds; () for the others."""
    return _BY_RUNG.get(rung, ())
