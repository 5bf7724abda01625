"""The NETCONF kit against a real server: Debian's netconfd behind OpenSSH, every trap survived."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_models import detect, loader
from drivers import links
from drivers.frr_linux.driver import DRIVER
from drivers.netconf import calls, greeting, operations, transport
from drivers.netconf.driver import NetconfDriver
from lab import peers
from oss_agent.errors import ChangeRejected, DeviceBusy, DeviceRefused
from oss_agent.spi import detection
from oss_agent.spi.device import Capability, Credential, Endpoint, Pending, Session
from oss_agent.spi.tree import EMPTY, Edit, Operation, Step, Tree
from oss_agent.spi.tree import Path as TreePath
from tests import lab_or_skip

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

TOKEN = "tx-1.7"
SERVICES = (Step("services"),)


@pytest.fixture
def server() -> Iterator[peers.NetconfPeer]:
    with lab_or_skip.needed(), peers.netconfd() as peer:
        yield peer


@pytest.fixture
def endpoint(server: peers.NetconfPeer) -> Endpoint:
    return Endpoint(
        device="pe1",
        platform="frr_linux",
        address=server.host,
        credential=Credential(server.user, server.password),
        host_keys=(server.host_key,),
        ports={"netconf": server.port},
    )


def path(name: str) -> TreePath:
    return (*SERVICES, Step("eline", (("name", name),)))


def creation(name: str, port: str = "eth4", vni: str = "10100") -> list[Edit]:
    tree = DRIVER.instantiate(
        "eline",
        {"name": name, "vni": vni, "port": port, "rate": "5000", "description": "a <b> & c"},
    )["netconf"]
    return [Edit(Operation.CREATE, path(name), tree.at(path(name)))]


def deletion(edits: list[Edit]) -> list[Edit]:
    return [Edit(Operation.DELETE, edit.path, was=edit.node) for edit in edits]


@asynccontextmanager
async def session(endpoint: Endpoint) -> AsyncIterator[Session]:
    async with DRIVER.session(endpoint) as opened:
        yield opened


@asynccontextmanager
async def raw(endpoint: Endpoint) -> AsyncIterator[calls.Calls]:
    """A session for single operations."""
    platform = loader.load("frr_linux")
    async with (
        links.opened(endpoint) as ways,
        transport.session(ways, platform) as (_, exchange),
    ):
        yield calls.Calls(endpoint.device, platform.netconf, exchange)


async def hold(talk: Session, edits: list[Edit], within: float = 60) -> None:
    await talk.lock()
    await talk.edit(edits)
    await talk.validate()
    await talk.commit(confirm_within=within, persist=TOKEN)


async def test_the_hello_offers_the_top_rung(endpoint: Endpoint) -> None:
    async with session(endpoint) as talk:
        assert talk.offers == DRIVER.capabilities
        assert Capability.PERSIST in talk.offers


async def test_its_hello_tells_what_it_is_and_fits_what_it_is_run_as(endpoint: Endpoint) -> None:
    said = detection.Evidence(hello=await greeting.read(endpoint))
    assert detect.detect(said).os == "netconfd (Yuma)"
    assert detect.against("frr_linux", said) == ""


async def test_login_by_key(endpoint: Endpoint, server: peers.NetconfPeer) -> None:
    by_key = Credential(server.user, private_key_file=str(server.key))
    async with session(dataclasses.replace(endpoint, credential=by_key)) as talk:
        assert await talk.read(()) == EMPTY


async def test_create_read_back_confirm_delete_is_byte_for_byte_as_before(
    endpoint: Endpoint,
) -> None:
    edits = creation("acme")
    async with session(endpoint) as talk:
        before = await talk.snapshot()
        await hold(talk, edits)
        held = await talk.read(path("acme"))
        await talk.confirm(persist=TOKEN)
        await talk.unlock()
        there = await talk.snapshot()
        await talk.lock()
        await talk.edit(deletion(edits))
        gone = await talk.diff()
        await talk.commit()
        await talk.unlock()

        assert held.at(path("acme")) == edits[0].node
        assert there != before
        assert "-    <name>acme</name>" in gone
        assert await talk.snapshot() == before
        assert await talk.read(path("acme")) == EMPTY


async def test_the_diff_is_what_the_commit_does(endpoint: Endpoint) -> None:
    async with session(endpoint) as talk:
        await talk.lock()
        assert await talk.diff() == ""
        await talk.edit(creation("acme"))
        assert "+    <vni>10100</vni>" in await talk.diff()
        await talk.discard()
        await talk.discard()
        assert await talk.diff() == ""


async def test_replace_and_delete_of_leaves_leave_the_neighbours(endpoint: Endpoint) -> None:
    one, two = creation("one", "eth1"), creation("two", "eth2", "10101")
    async with session(endpoint) as talk:
        await talk.lock()
        await talk.edit([*one, *two])
        await talk.commit()
        neighbour = (await talk.read(path("two"))).at(path("two"))
        await talk.edit(
            [
                Edit(Operation.REPLACE, (*path("one"), Step("vni")), Tree(Step("vni"), "7")),
                Edit(
                    Operation.DELETE, (*path("one"), Step("rate")), was=Tree(Step("rate"), "5000")
                ),
            ]
        )
        await talk.commit()
        changed = (await talk.read(path("one"))).at(path("one"))

        assert changed is not None
        assert {c.step.name: c.value for c in changed.children} == {
            "vni": "7", "port": "eth1", "description": "a <b> & c",
        }  # fmt: skip
        assert (await talk.read(path("two"))).at(path("two")) == neighbour


async def test_deleting_the_container_deletes_only_what_it_lists(endpoint: Endpoint) -> None:
    one, two = creation("one", "eth1"), creation("two", "eth2", "10101")
    async with session(endpoint) as talk:
        await talk.lock()
        await talk.edit([*one, *two])
        await talk.commit()
        assert one[0].node is not None
        mine = Tree(Step("services"), children=(one[0].node,))
        await talk.edit([Edit(Operation.DELETE, SERVICES, was=mine)])
        await talk.commit()

        assert (await talk.read(())).at(path("two")) == two[0].node
        assert (await talk.read(path("one"))).at(path("one")) is None


async def test_a_vanished_parent_is_an_error_not_a_new_entry(endpoint: Endpoint) -> None:
    port = (Step("ports"), Step("port", (("name", "eth9"),)))
    stale = Edit(Operation.REPLACE, (*port, Step("description")), Tree(Step("description"), "x"))
    async with session(endpoint) as talk:
        await talk.lock()
        with pytest.raises(ChangeRejected):
            await talk.edit([stale])


@pytest.mark.parametrize("end", ["cancel", "timer"])
async def test_under_our_locks_the_undo_is_real(endpoint: Endpoint, end: str) -> None:
    # With running locked, netconfd answers ok to the cancel and restores nothing.
    async with session(endpoint) as talk:
        before = await talk.snapshot()
        await hold(talk, creation("acme"), within=60 if end == "cancel" else 2)
        assert await talk.snapshot() != before
        if end == "cancel":
            await talk.cancel(persist=TOKEN)
            await talk.cancel(persist=TOKEN)
        else:
            await asyncio.sleep(3.6)  # quiet: netconfd's timer starves while requests come

        assert await talk.snapshot() == before
        assert await talk.probe_pending(persist=TOKEN, confirm_within=5) is Pending.GONE


async def test_another_session_finds_confirms_and_cannot_confirm_twice(endpoint: Endpoint) -> None:
    async with session(endpoint) as first:
        await hold(first, creation("acme"))
    async with session(endpoint) as second:
        assert await second.probe_pending(persist="other", confirm_within=60) is Pending.OTHERS
        assert await second.probe_pending(persist=TOKEN, confirm_within=60) is Pending.HELD
        await second.confirm(persist=TOKEN)

        assert await second.probe_pending(persist=TOKEN, confirm_within=60) is Pending.GONE
        with pytest.raises(ChangeRejected, match="not active"):
            await second.confirm(persist=TOKEN)
        assert (await second.read(path("acme"))).at(path("acme")) is not None


async def test_running_cannot_be_locked_while_a_commit_is_pending(endpoint: Endpoint) -> None:
    # What makes GONE certain there: platform.yaml says that a lock tells.
    async with session(endpoint) as first:
        await hold(first, creation("acme"))
    async with session(endpoint) as second, raw(endpoint) as third:
        with pytest.raises(DeviceBusy, match="confirmed-commit pending"):
            await third.do(operations.lock("running"))
        await second.confirm(persist=TOKEN)
        await third.do(operations.lock("running"))


async def test_a_probe_keeps_the_first_backup(endpoint: Endpoint) -> None:
    async with session(endpoint) as first:
        before = await first.snapshot()
        await hold(first, creation("acme"))
    async with session(endpoint) as second:
        assert await second.probe_pending(persist=TOKEN, confirm_within=60) is Pending.HELD
        await second.cancel(persist=TOKEN)

        assert await second.snapshot() == before


async def test_confirming_does_not_commit_a_strangers_edit(endpoint: Endpoint) -> None:
    async with session(endpoint) as first:
        await hold(first, creation("acme"))
    async with session(endpoint) as stranger, session(endpoint) as second:
        await stranger.edit(creation("theirs", "eth1", "666"))
        await second.confirm(persist=TOKEN)

        assert (await second.read(path("acme"))).at(path("acme")) is not None
        assert await second.read(path("theirs")) == EMPTY


async def test_a_held_lock_is_busy_until_its_session_ends(endpoint: Endpoint) -> None:
    async with session(endpoint) as second:
        async with session(endpoint) as first:
            await first.lock()
            with pytest.raises(DeviceBusy, match="held by session") as busy:
                await second.lock()
            assert busy.value.holder is not None
        await second.lock()


async def test_a_dirty_candidate_is_cleaned_by_locking(endpoint: Endpoint) -> None:
    async with session(endpoint) as first, session(endpoint) as second:
        await first.edit(creation("theirs"))
        await second.lock()

        assert await second.diff() == ""


async def test_a_refusal_names_tag_and_path_and_discard_cleans_up(endpoint: Endpoint) -> None:
    good = creation("acme")[0]
    assert good.node is not None
    bad = Tree(good.node.step, children=(Tree(Step("vni"), "99999999"),))
    async with session(endpoint) as talk:
        await talk.lock()
        with pytest.raises(ChangeRejected) as refusal:
            await talk.edit([dataclasses.replace(good, node=bad)])
        await talk.discard()

        assert refusal.value.tag == "invalid-value"
        assert refusal.value.path.endswith("oss:vni")
        assert await talk.diff() == ""


async def test_creating_what_exists_is_refused(endpoint: Endpoint) -> None:
    async with session(endpoint) as talk:
        await talk.lock()
        await talk.edit(creation("acme"))
        await talk.commit()
        with pytest.raises(ChangeRejected) as refusal:
            await talk.edit(creation("acme"))

        assert refusal.value.tag == "data-exists"


async def test_validate_would_drop_the_change_so_the_data_forbid_it(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "eager").mkdir()
    shipped = (loader.SHIPPED / "frr_linux" / "platform.yaml").read_text()
    eager = shipped.replace("validate_harmless: false", "validate_harmless: true")
    (tmp_path / "eager" / "platform.yaml").write_text(eager)
    async with NetconfDriver("eager", tmp_path).session(endpoint) as talk:
        await hold(talk, creation("acme"))
        lost = await talk.read(path("acme"))
        await talk.confirm(persist=TOKEN)
    async with session(endpoint) as talk:
        await hold(talk, creation("acme"))
        kept = await talk.read(path("acme"))

    assert lost == EMPTY, "netconfd got better: validate may be called harmless now"
    assert kept.at(path("acme")) is not None


async def test_pipelined_reads_all_come_back(endpoint: Endpoint) -> None:
    async with session(endpoint) as talk, asyncio.TaskGroup() as group:
        reads = [group.create_task(talk.read(())) for _ in range(64)]

    assert {read.result() for read in reads} == {EMPTY}


async def test_the_first_request_is_never_swallowed(endpoint: Endpoint) -> None:
    async with asyncio.timeout(300):
        for _ in range(20):
            async with session(endpoint) as talk:
                await talk.read(())


async def test_another_host_key_is_refused(endpoint: Endpoint) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEUQBsbA2nwXYhRArBchOgtOSrrhB97iwHyy1wuyUgtl"
    with pytest.raises(DeviceRefused, match="not trusted"):
        async with session(dataclasses.replace(endpoint, host_keys=(other,))):
            pass
