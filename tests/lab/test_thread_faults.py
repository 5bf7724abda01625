"""What goes wrong on real routers during an order: nothing is half-done, and the reason can be read."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncssh
import pytest

from lab import cabling
from lab.runner import Lab
from tests.lab import thread_agent
from tests.lab.births import Births
from tests.lab.thread_agent import Agent, NetconfOf, Witness, eline

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2")
ENDS = ("pe1:eth4", "pe2:eth4")
LOCK = "<lock><target><candidate/></target></lock>"
_TRIES = 5
"""Orders until somebody validates at the very moment."""
VALIDATE = "<validate><source><candidate/></source></validate>"


@pytest.fixture(scope="module")
def lasting(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    there = tmp_path_factory.mktemp("agent")
    quick = {"OSS_AGENT_FULFILMENT__PROVE_WITHIN": "30", "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "6"}
    with (
        thread_agent.billing(births.network, there),
        thread_agent.running(births, there, **quick) as here,
    ):
        here.onboard()
        yield here


@pytest.fixture
def agent(lasting: Agent) -> Iterator[Agent]:
    yield lasting
    lasting.clear()


@pytest.fixture
def witness(telco5: Lab, netconf: NetconfOf) -> Iterator[Witness]:
    seer = Witness(telco5, netconf)
    yield seer
    seer.heal(*PES)


@contextlib.contextmanager
def cut_off(network: Lab, node: str) -> Iterator[None]:
    """A router whose management link is down; its own work goes on."""
    network.set_link(node, "eth0", up=False)
    try:
        yield
    finally:
        network.set_link(node, "eth0", up=True)


def test_an_order_waits_for_a_router_that_is_away_and_says_so(
    agent: Agent, witness: Witness
) -> None:
    before = witness.state(*PES)
    with cut_off(agent.network, "pe2"):
        began = datetime.now(UTC)
        order = agent.send(eline("acme-away", *ENDS))
        said = agent.waiting(order, "pe2")
        assert "waits 00:00:" in said["sentence"]
        assert "Unblock: whoever can bring pe2 back" in said["sentence"]
        [(_item, wait)] = said["waits"]
        assert began < datetime.fromisoformat(wait["since"]) < datetime.now(UTC)
        assert "acme-away" not in witness.config("pe1")
    view = agent.final(order)
    assert view["state"] == "completed", view["error"]
    assert all(witness.has(pe, "acme-away") for pe in PES)
    agent.terminated(view["items"][0]["service_id"])
    witness.settles(before)


def test_a_router_lost_while_it_holds_its_change_ends_as_the_other_does(
    agent: Agent, witness: Witness
) -> None:
    before = witness.state(*PES)
    order = agent.send(eline("acme-lost", *ENDS))
    agent.daemon.until(lambda: _participants(agent, order) == ["held", "held"])
    with cut_off(agent.network, "pe2"):
        said = agent.waiting(order, "pe2 (")
        assert "not settled yet" in said["sentence"]
        alarms = agent.daemon.get("/api/v1/alarms")
        assert any("pe2" in a["alarmed_object"] and a["state"] != "cleared" for a in alarms)
        assert agent.final_or_none(order) is None
    view = agent.final(order, within=300)
    assert view["state"] == "completed", view["error"]
    for pe in PES:
        witness.comes_to_have(pe, "acme-lost")
    agent.terminated(view["items"][0]["service_id"])
    witness.settles(before)
    witness.nothing_held(*PES)


def _participants(agent: Agent, order: str) -> list[str]:
    return [participant["state"] for participant in agent.explain(order)["participants"]]


def test_a_wrong_password_fails_the_order_with_the_reason(agent: Agent, witness: Witness) -> None:
    before = witness.state(*PES)
    right = thread_agent.files(agent.network)
    wrong = {
        name: text.replace("password: admin", "password: nimda") for name, text in right.items()
    }
    agent.daemon.post("/api/v1/import", {"files": wrong})
    try:
        view = agent.order(eline("acme-password", *ENDS))
    finally:
        agent.daemon.post("/api/v1/import", {"files": right})
    assert view["state"] == "failed"
    assert "Permission denied" in view["error"]["message"]
    assert "nimda" not in str(view)
    assert witness.state(*PES) == before
    agent.terminated(agent.completed(eline("acme-password-mended", *ENDS)))


class Impostor(asyncssh.SSHServer):
    """Takes a router's place, and any password it is given."""

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        del conn
        self._told.append("connected")

    def begin_auth(self, username: str) -> bool:
        self._told.append(f"user {username}")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._told.append(f"password {username} {password}")
        return True


@contextlib.contextmanager
def impostor(network: Lab, node: str) -> Iterator[list[str]]:
    """Someone else at a router's address; yields what it was told."""
    told: list[str] = []
    address = f"{network.address(node)}/32 dev {cabling.MGMT_BRIDGE}"
    with cut_off(network, node), asyncio.Runner() as runner:
        network.ip.batch([f"address add {address}"], namespace=network.mgmt_namespace)
        try:
            with network.in_mgmt():
                listener = runner.run(_listen(network.address(node), told))
            loop = runner.get_loop()
            thread = threading.Thread(target=loop.run_forever)
            thread.start()
            try:
                yield told
            finally:
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                runner.run(_end(listener))
        finally:
            network.ip.batch([f"address del {address}"], namespace=network.mgmt_namespace)


async def _listen(address: str, told: list[str]) -> asyncssh.SSHAcceptor:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return await asyncssh.listen(
        address, 830, server_factory=lambda: Impostor(told), server_host_keys=[key]
    )


async def _end(listener: asyncssh.SSHAcceptor) -> None:
    listener.close()
    await listener.wait_closed()


def test_another_host_key_is_refused_before_any_credential_is_sent(
    agent: Agent, witness: Witness
) -> None:
    before = witness.state(*PES)
    with impostor(agent.network, "pe2") as told:
        view = agent.order(eline("acme-impostor", *ENDS))
    assert view["state"] == "failed"
    assert "pe2" in view["error"]["message"]
    assert "ost key" in view["error"]["message"]
    assert set(told) == {"connected"}
    witness.settles(before)


def test_a_router_nobody_trusted_is_not_talked_to(
    births: Births, tmp_path_factory: pytest.TempPathFactory, witness: Witness
) -> None:
    before = witness.state(*PES)
    files = thread_agent.files(births.network)
    del files["known_hosts"]
    port = {"OSS_AGENT_SNMP__TRAP_PORT": "10162"}  # beside the other agent of this module
    with thread_agent.running(births, tmp_path_factory.mktemp("stranger"), **port) as stranger:
        stranger.daemon.post("/api/v1/import", {"files": files})
        devices = stranger.daemon.get("/api/v1/devices")
        assert {d["name"]: d["trusted"] for d in devices}["pe1"] is False
        view = stranger.order(eline("acme-stranger", *ENDS))
    assert view["state"] in {"failed", "rejected"}
    assert "trust" in view["error"]["message"]
    assert witness.state(*PES) == before


def test_an_order_waits_for_the_holder_of_a_lock_and_keeps_what_he_changed(
    agent: Agent, witness: Witness, netconf: NetconfOf
) -> None:
    before = witness.state(*PES)
    with netconf(agent.network, "pe2").session() as talk:
        assert "<ok/>" in talk.ask(LOCK)
        order = agent.send(eline("acme-locked", *ENDS))
        said = agent.waiting(order, f"session {talk.id}")
        assert "lock" in said["sentence"]
        # out of band, while our order is under way: not ours, so not to be touched
        replies = [talk.ask(_port("<description>by hand</description>")), talk.ask("<commit/>")]
        assert all("<ok/>" in reply for reply in replies), replies
    try:
        view = agent.final(order)
        assert view["state"] == "completed", view["error"]
        assert "by hand" in witness.config("pe2")
        assert all(witness.has(pe, "acme-locked") for pe in PES)
        agent.terminated(view["items"][0]["service_id"])
        assert "by hand" in witness.config("pe2")
    finally:
        netconf(agent.network, "pe2").ask(_port("", gone=True), "<commit/>")
    witness.settles(before)


def _port(settings: str, *, gone: bool = False) -> str:
    remove = f'xmlns:nc="{thread_agent.BASE}" nc:operation="remove"' if gone else ""
    port = f"<port {remove}><name>eth3</name>{settings}</port>"
    config = f'<ports xmlns="{thread_agent.SERVICES}">{port}</ports>'
    return f"<edit-config><target><candidate/></target><config>{config}</config></edit-config>"


def _ordered_beside_validation(agent: Agent, netconf: NetconfOf, name: str) -> Any:
    """The order's end, with somebody who validates pe2's candidate again and again."""
    over = threading.Event()

    def validate() -> None:
        with netconf(agent.network, "pe2").session() as talk:
            while not over.is_set():
                talk.ask(VALIDATE)
                time.sleep(0.005)

    thread = threading.Thread(target=validate)
    thread.start()
    try:
        return agent.order(eline(name, *ENDS))
    finally:
        over.set()
        thread.join()


def test_a_commit_that_was_acknowledged_and_did_nothing_is_caught(
    agent: Agent, witness: Witness, netconf: NetconfOf
) -> None:
    """A candidate that anybody validated is forgotten by netconfd: edit, commit, all <ok/>, no change."""
    before = witness.state(*PES)
    view = _ordered_beside_validation(agent, netconf, "acme-silent-0")
    for attempt in range(1, _TRIES):
        if view["state"] != "completed":
            break
        agent.terminated(view["items"][0]["service_id"])  # nobody validated between edit and commit
        view = _ordered_beside_validation(agent, netconf, f"acme-silent-{attempt}")
    assert view["state"] == "failed"
    assert view["error"]["message"].startswith("config-equal on pe2: ")
    witness.settles(before)
    witness.nothing_held(*PES)
    agent.terminated(agent.completed(eline("acme-not-silent", *ENDS)))
