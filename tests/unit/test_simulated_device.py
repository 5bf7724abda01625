"""The simulator's own parts: framing, history, faults that change at run time, the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.containerlab import containerlab
from oss_agent.testing.simulated import (
    Faults,
    Kind,
    Login,
    SimulatedDevice,
    SimulatedNetwork,
    control,
    framing,
    lab_directory,
    markup,
    vni_ceiling,
)
from tests.contract import raw_netconf
from tests.contract.raw_netconf import LAB, RawSession, Server

_MESSAGES = st.lists(
    st.binary(min_size=1, max_size=60).filter(lambda m: b"]]>" not in m), max_size=4
)


def eline(vni: int) -> str:
    return (
        "<edit-config><target><candidate/></target><config>"
        f'<services xmlns="{LAB}"><eline><name>a</name><vni>{vni}</vni><port>eth1</port></eline>'
        "</services></config></edit-config>"
    )


@asynccontextmanager
async def talking(box: SimulatedDevice) -> AsyncIterator[RawSession]:
    server = Server(box.address, box.port, box.login.username, box.login.password, box.host_key)
    async with raw_netconf.connection(server) as link, raw_netconf.session(link) as session:
        yield session


@given(_MESSAGES, st.booleans(), st.integers(1, 7), st.integers(1, 40))
def test_what_is_framed_comes_out_whole_however_it_is_cut(
    messages: list[bytes],
    chunked: bool,  # noqa: FBT001 - drawn by hypothesis
    step: int,
    chunk: int,
) -> None:
    wire = b"".join(framing.frame(m, chunked=chunked, chunk=chunk) for m in messages)
    unframer = framing.Unframer()
    unframer.chunked = chunked
    found: list[bytes] = []
    for place in range(0, len(wire), step):
        unframer.feed(wire[place : place + step])
        while (message := unframer.next_message()) is not None:
            found.append(message)

    assert found == messages


@pytest.mark.parametrize(
    "wire", [b"\n#0\nx\n##\n", b"\n#-1\nxxxxxxxxxxxxxxx", b"hello, hello, hello"]
)
def test_broken_chunks_are_refused(wire: bytes) -> None:
    unframer = framing.Unframer()
    unframer.chunked = True
    unframer.feed(wire)
    with pytest.raises(framing.BadFraming):
        unframer.next_message()


@pytest.mark.parametrize("text", [b"<a", b"<!DOCTYPE a><a/>", b"", b"<a/><b/>"])
def test_markup_refuses_what_is_no_plain_document(text: bytes) -> None:
    with pytest.raises(markup.Malformed):
        markup.parse(text)


@pytest.mark.anyio
async def test_history_tells_a_confirmed_commit_and_its_end() -> None:
    async with SimulatedDevice("d", now=lambda: 1.5) as box:
        empty = box.datastores.running_digest()
        async with talking(box) as session:
            await session.ask(eline(7))
            await session.ask("<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>")
            held = box.datastores.running_digest()
        await box.cut()

    told = [(entry.kind, entry.digest) for entry in box.history if entry.kind is not Kind.EDIT]
    assert told == [
        (Kind.SESSION, ""),
        (Kind.HOLD, held),
        (Kind.ROLLBACK, empty),
        (Kind.CLOSE, ""),
    ]
    assert [entry.number for entry in box.history] == [1, 2, 3, 4, 5]
    assert json.loads(next(iter(box.history)).line())["at"] == 1.5


@pytest.mark.anyio
async def test_equal_edits_have_equal_digests() -> None:
    async with SimulatedDevice("d") as box, talking(box) as session:
        await session.ask(eline(7))
        await session.ask(
            eline(7).replace("<eline>", "<eline >").replace(f' xmlns="{LAB}"', f"\nxmlns='{LAB}'")
        )
        await session.ask(eline(8))

    one, same, other = (entry.digest for entry in box.history.of(Kind.EDIT))
    assert one == same != other


@pytest.mark.anyio
async def test_a_ceiling_shows_at_commit_only_with_its_path() -> None:
    box = SimulatedDevice("pe3", ceilings=[vni_ceiling(10099)])
    async with box, talking(box) as session:
        staged = await session.ask(eline(10100))
        refused = await session.ask("<commit/>")
        mended = await session.ask(eline(10099))
        done = await session.ask("<commit/>")

    assert (staged.word, refused.word, mended.word, done.word) == (
        "ok",
        "invalid-value",
        "ok",
        "ok",
    )
    assert b"vni out of range" in refused.reply
    assert refused.paths == ("/oss:services/oss:eline[oss:name='a']/oss:vni",)


@pytest.mark.anyio
async def test_faults_change_while_a_session_lives() -> None:
    async with SimulatedDevice("d") as box, talking(box) as session:
        box.faults = Faults(refuse_commit="not today")
        await session.ask(eline(1))
        refused = await session.ask("<commit/>")
        box.faults = Faults()
        done = await session.ask("<commit/>")

    assert (refused.word, done.word) == ("operation-failed", "ok")


@pytest.mark.anyio
async def test_killing_a_session_frees_its_lock() -> None:
    async with SimulatedDevice("d") as box, talking(box) as victim, talking(box) as killer:
        await victim.ask("<lock><target><candidate/></target></lock>")
        denied = await killer.ask("<lock><target><candidate/></target></lock>")
        holder = denied.reply.split(b"<session-id>")[1].split(b"<")[0].decode()
        killed = await killer.ask(f"<kill-session><session-id>{holder}</session-id></kill-session>")
        locked = await killer.ask("<lock><target><candidate/></target></lock>")

    assert (denied.word, killed.word, locked.word) == ("lock-denied", "ok", "ok")


@pytest.mark.anyio
async def test_a_key_opens_the_door_like_a_password() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode()
    async with (
        SimulatedDevice("d", login=Login("noc", "secret", (public,))) as box,
        asyncssh.connect(
            box.address, box.port, username="noc", client_keys=[key], known_hosts=None, config=None
        ) as link,
    ):
        assert link.get_extra_info("username") == "noc"


@pytest.mark.anyio
async def test_its_configuration_survives_a_pause_on_the_same_port() -> None:
    box = SimulatedDevice("d")
    async with box, talking(box) as session:
        await session.ask(eline(7))
        await session.ask("<commit/>")
    port = box.port
    async with box, talking(box) as session:
        running = await session.ask("<get-config><source><running/></source></get-config>")

    assert box.port == port
    assert b"<vni>7</vni>" in running.reply


@pytest.mark.anyio
async def test_the_lab_directory_is_what_inventory_reads() -> None:
    async with SimulatedNetwork() as network:
        lab = containerlab.read(lab_directory.files(network))

        assert lab.refused == ()
        assert [device.name for device in lab.devices] == ["p1", "p2", "pe1", "pe2", "pe3"]
        for found in lab.devices:
            box, agent = network.devices[found.name], network.agents[found.name]
            assert found.platform == "sim_netconf"
            assert found.host_keys == (box.host_key,)
            assert found.address == box.address
            assert found.ports == {"ssh": box.port, "netconf": box.port, "snmp": agent.port}
            assert (found.login.username, found.login.password) == ("admin", "admin")
            assert (found.community, found.router_id) == ("public", agent.router.router_id)
        assert len(lab.links) == 7


def test_control_lines_say_what_they_did() -> None:
    network = SimulatedNetwork()

    assert control.obey(network, "pull pe1 eth4\n") == ["ok"]
    assert not network.agents["pe1"].router.ports["eth4"].up
    assert control.obey(network, "heal pe1 eth4") == ["ok"]
    assert control.obey(network, "refuse pe3 no room") == ["ok"]
    assert network.devices["pe3"].faults.refuse_commit == "no room"
    assert control.obey(network, "accept pe3") == ["ok"]
    assert control.obey(network, "log pe3") == ["ok"]
    for line in ("", "pull", "pull nobody eth1", "pull pe1 eth99", "hand pe1 <a", "lose pe1 x"):
        assert control.obey(network, line)[-1].startswith("error: ")


def test_it_runs_as_a_program_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "oss_agent.testing.simulated", "--dir", str(tmp_path / "lab")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            ready = process.stdout.readline()
            process.stdin.write("pull pe1 eth4\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(300)

    assert ready.startswith("ready ")
    assert answer == "ok\n"
    assert code == 0
    assert {file.name for file in (tmp_path / "lab").iterdir()} == {
        "topology-data.json",
        "ansible-inventory.yml",
        "nornir-simple-inventory.yml",
        "known_hosts",
    }
