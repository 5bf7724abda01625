"""Decides what staging and committing must mean: nothing live before, exactly the target after."""

from __future__ import annotations

import asyncio

from oss_agent.errors import ChangeRejected, CommitUnknown
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import device
from oss_agent.spi.device import Capability, Datastore
from oss_agent.spi.proof import Question
from oss_agent.spi.tree import EMPTY, Path, Step, Tree
from oss_agent.testing.contract.peer import (
    Peer,
    clean,
    expect,
    expect_equal,
    refused,
    values,
)
from oss_agent.testing.relay import Relay

_LONG_ENOUGH = (
    0.3  # seconds for the rest of what a peer on loopback does once it has begun to answer
)


async def offers_confirm_the_rung(peer: Peer) -> None:
    """The session finds the rung that the device stands on, whatever the platform declares."""
    async with peer.session() as session:
        expect(Capability.CONFIGURE in session.offers, "it takes configuration")
        expect_equal(device.rung(session.offers), peer.rung, "the offers carry the rung")


async def an_edit_is_not_live(peer: Peer) -> None:
    """Staged and discarded: running never moved, and the device's own diff told of it."""
    await clean(peer, peer.samples[0])
    async with peer.session() as session:
        before = await session.snapshot()
        await session.lock()
        await peer.stage(session, peer.samples[1])
        diff = await session.diff()
        staged = await session.snapshot()
        await session.discard()
        left = await session.diff()
        await session.unlock()

    # Native text may quote what is not plain: only plain words must show as they are.
    new = {v for v in set(values(peer.samples[1])) - set(values(peer.samples[0])) if v.isalnum()}
    expect(all(value in diff for value in new), f"the diff shows {new}: {diff!r}")
    expect_equal(staged, before, "an edit changes nothing that is live")
    expect_equal(left, "", "discard leaves nothing staged")


async def a_commit_is_live_and_read_back(peer: Peer) -> None:
    """Each sample in turn, read by a new session."""
    for sample in (*peer.samples, EMPTY):
        await clean(peer, sample)
        expect(await peer.holds(sample), f"running holds {sample}")


async def validate_harms_nothing(peer: Peer) -> None:
    """Edit, validate, commit: the change arrives all the same."""
    await clean(peer)
    async with peer.session() as session:
        await session.lock()
        await peer.stage(session, peer.samples[0])
        await session.validate()
        await session.commit()
        await session.unlock()

    expect(await peer.holds(peer.samples[0]), "a validated change is committed like any other")


async def a_prediction_is_what_a_commit_leaves(peer: Peer) -> None:
    """What the device says of the staged change, beside its own judgement, comes true exactly."""
    await clean(peer, peer.samples[0])
    for sample in (*peer.samples[1:], EMPTY):
        async with peer.session() as session:
            await session.lock()
            await peer.stage(session, sample)
            async with asyncio.TaskGroup() as group:
                group.create_task(session.validate())
                asked = group.create_task(session.predict(peer.scope))
            live = await peer.content(session)
            await session.commit()
            left = await peer.content(session)
            await session.unlock()

        told = asked.result()
        expect_equal(told is not None, peer.predicts, "it tells where it can, and nowhere else")
        if told is not None:
            expect_equal(trees.normal(told), trees.normal(sample), "it tells of the target")
            expect_equal(trees.normal(told), left, "and so it comes")
        expect(live != trees.normal(sample), "to be asked makes nothing live")


async def a_refused_change_leaves_running_as_before(peer: Peer) -> None:
    """ChangeRejected at edit or commit; after discard the session is as good as new."""
    await clean(peer, peer.samples[0])
    async with peer.session() as session:
        before = await session.snapshot()
        await session.lock()
        with refused(ChangeRejected) as no:
            await peer.stage(session, peer.refused)
            await session.commit()
        await session.discard()
        after = await session.snapshot()
        await session.unlock()
        await peer.put(session, peer.samples[1])

    expect(no.error.reason, "ChangeRejected says why")
    expect_equal(after, before, "a refused change leaves running byte for byte as before")
    expect(await peer.holds(peer.samples[1]), "the session still works")


async def a_lost_reply_is_commit_unknown(peer: Peer) -> None:
    """The commit goes through, its answer does not: CommitUnknown, and reading back tells."""
    await clean(peer)
    async with peer.through_relay() as (relayed, relay), relayed.session() as session:
        await peer.stage(session, peer.samples[0])
        relay.mute(after=peer.answers_before_commit)
        async with asyncio.TaskGroup() as group:
            cutting = group.create_task(_cut_once_answered(relay))
            with refused(CommitUnknown):
                await session.commit()
            cutting.cancel()

    expect(await peer.holds(peer.samples[0]), "the unanswered commit was carried out")


async def _cut_once_answered(relay: Relay) -> None:
    """What answers has carried out what it was asked for."""
    await relay.lost.wait()
    await asyncio.sleep(_LONG_ENOUGH)
    relay.cut()


async def discard_and_cancel_are_safe_twice(peer: Peer) -> None:
    """With nothing staged and nothing pending."""
    async with peer.session() as session:
        await session.discard()
        await session.discard()
        await session.cancel()
        await session.cancel(persist="nobody-has-this-token")
        await session.save()


async def a_configuration_to_keep_is_the_snapshot_and_whole(peer: Peer) -> None:
    """What is kept of running is what is compared; saved, it is what a restart brings back."""
    await clean(peer)
    async with peer.session() as session:
        await peer.put(session, peer.samples[0])
        await session.save()
        running = await session.whole(Datastore.RUNNING)
        startup = await session.whole(Datastore.STARTUP)
        snapshot = await session.snapshot()

    expect(running is not None, "there is a running configuration")
    for kept in filter(None, (running, startup)):
        expect_equal(kept.lacks, "", "a whole configuration lacks nothing")
        expect_equal(kept.text, snapshot, "what is kept is what the device has")
    shown = peer.driver.masked(snapshot, lambda _: "<secret>", peer.store)
    expect_equal(shown.count("\n"), snapshot.count("\n"), "masking is line by line")


async def what_is_absent_reads_as_absent(peer: Peer) -> None:
    """An empty scope, and a path below it."""
    await clean(peer)
    async with peer.session() as session:
        here = await session.read(peer.scope)
        deepest = _leaf(peer.samples[0])
        below = await session.read(deepest)

    expect_equal(trees.normal(here), EMPTY, "an empty scope is an empty tree")
    expect(below.at(deepest) is None, "an absent node is not in the tree")


async def read_gives_only_what_was_asked(peer: Peer) -> None:
    """A path to one node gives the tree to it and nothing beside."""
    await clean(peer, peer.samples[0])
    deepest = _leaf(peer.samples[0])
    async with peer.session() as session:
        found = await session.read(deepest)

    expect_equal(found.at(deepest), peer.samples[0].at(deepest), "the node as it was committed")
    expect_equal(_leaf(found), deepest, "what was asked for came")
    expect_equal(_count(found), len(deepest), "and nothing beside it")


async def one_read_gives_all_paths_that_were_asked_for(peer: Peer) -> None:
    """Of entries that are there and one that is not: these, whole, and nothing beside them."""
    await clean(peer, peer.samples[0])
    sample = trees.normal(peer.samples[0])
    entries = trees.roots(sample)
    async with peer.session() as session:
        every = await session.read(*entries, _another(entries[0]))
        first = await session.read(_another(entries[0]), entries[0])

    expect_equal(trees.normal(every), sample, "all of what was asked for")
    expect_equal(trees.normal(first), trees.part(sample, entries[:1]), "one of it, nothing beside")


async def reads_at_once_get_their_own_answers(peer: Peer) -> None:
    """More than may be in flight: what is there, what is not, and the whole, side by side."""
    await clean(peer, peer.samples[0])
    deepest, sample = _leaf(peer.samples[0]), trees.normal(peer.samples[0])
    absent = (*deepest[:-1], Step("what-is-not-there"))
    async with peer.session() as session, asyncio.TaskGroup() as group:
        paths = [peer.scope, deepest, absent] * 8
        asked = [(path, group.create_task(session.read(path))) for path in paths]

    for path, one in asked:
        found, wanted = trees.normal(one.result()).at(path), sample.at(path)
        expect_equal(found, wanted, f"what was asked for at {path}")


async def an_unknown_question_is_unobservable(peer: Peer) -> None:
    """No exception: an answer that says why there is none."""
    async with peer.session() as session:
        observation = await session.observe(Question("what-nobody-can-answer"))

    expect(observation.unobservable, "an unknown kind is unobservable, with a reason")


async def render_is_pure(peer: Peer) -> None:
    """The same edits give the same text; no edits give none."""
    edits = trees.diff(peer.samples[0], peer.samples[1])
    render = peer.driver.render

    expect_equal(render(edits, peer.store), render(edits, peer.store), "rendering is stable")
    expect_equal(render((), peer.store), "", "no edits render to nothing")
    expect(render(edits, peer.store), "edits render to something")


def _leaf(tree: Tree, above: Path = ()) -> Path:
    """The path to the first leaf of a tree."""
    if not tree.children:
        return above
    first = tree.children[0]
    return _leaf(first, (*above, first.step))


def _another(path: Path) -> Path:
    """A sibling that is not there: of a list another entry."""
    last = path[-1]
    if not last.keys:
        return (*path[:-1], Step("what-is-not-there"))
    return (*path[:-1], Step(last.name, tuple((name, f"{value}9") for name, value in last.keys)))


def _count(tree: Tree) -> int:
    """How many nodes are below one."""
    return sum(1 + _count(child) for child in tree.children)


CHECKS = (
    offers_confirm_the_rung,
    an_edit_is_not_live,
    a_commit_is_live_and_read_back,
    one_read_gives_all_paths_that_were_asked_for,
    validate_harms_nothing,
    a_prediction_is_what_a_commit_leaves,
    a_refused_change_leaves_running_as_before,
    a_lost_reply_is_commit_unknown,
    discard_and_cancel_are_safe_twice,
    a_configuration_to_keep_is_the_snapshot_and_whole,
    what_is_absent_reads_as_absent,
    read_gives_only_what_was_asked,
    reads_at_once_get_their_own_answers,
    an_unknown_question_is_unobservable,
    render_is_pure,
)
