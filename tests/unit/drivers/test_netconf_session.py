"""A session against a scripted server: what silence, lies and hang-ups mean to the caller."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import asyncssh
import pytest

from device_models import loader, model
from drivers import links, observation
from drivers.netconf import session, transport
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
)
from oss_agent.spi.device import Capability, Credential, Endpoint, Pending
from oss_agent.spi.proof import Question
from oss_agent.spi.tree import Edit, Operation, Step, Tree

pytestmark = pytest.mark.anyio

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CAPABILITY = "urn:ietf:params:netconf:capability:"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>'
    f"<capability>urn:ietf:params:netconf:base:1.1</capability>"
    f"<capability>{CAPABILITY}candidate:1.0</capability>"
    f"<capability>{CAPABILITY}confirmed-commit:1.1</capability>"
    f"<capability>{CAPABILITY}validate:1.1</capability></capabilities>"
    "<session-id>4</session-id></hello>"
)
OK = "<ok/>"
SILENCE = None
HANG_UP = "hang up"
EDIT = Edit(
    Operation.CREATE,
    (Step("services"), Step("eline", (("name", "a"),))),
    Tree(Step("eline", (("name", "a"),)), children=(Tree(Step("vni"), "1"),)),
)
PLATFORM = dataclasses.replace(
    loader.load("sim_netconf"),
    netconf=model.Netconf(hello_within=60, rpc_within=60, commit_within=60, message_limit=150_000),
)
IMPATIENT = dataclasses.replace(
    PLATFORM, netconf=dataclasses.replace(PLATFORM.netconf, rpc_within=0.3, commit_within=0.3)
)
"""For what is not answered; a slow machine's answer may come too late for it."""

Answer = Callable[[str], str | None]


def failing(tag: str, message: str = "") -> str:
    return (
        f"<rpc-error><error-type>protocol</error-type><error-tag>{tag}</error-tag>"
        f"<error-severity>error</error-severity><error-message>{message}</error-message></rpc-error>"
    )


class Device:
    """A NETCONF server that answers by script and remembers what it was asked."""

    def __init__(self, answer: Answer, hello: str = HELLO) -> None:
        self.answer = answer
        self.hello = hello
        self.asked: list[str] = []
        self.logins: list[str] = []

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """One session of the netconf subsystem."""
        chunked = "base:1.1" in self.hello
        process.stdout.write(self.hello.encode() + b"]]>]]>")
        try:
            await process.stdin.readuntil(b"]]>]]>")
            while True:
                end = b"\n##\n" if chunked else b"]]>]]>"
                if not self._reply(process, await process.stdin.readuntil(end), chunked=chunked):
                    break
        except asyncio.IncompleteReadError:
            pass
        process.exit(0)

    def _reply(
        self, process: asyncssh.SSHServerProcess[bytes], request: bytes, *, chunked: bool
    ) -> bool:
        found = re.search(r'message-id="(\d+)"[^>]*>\s*<([a-z-]+)', request.decode())
        assert found is not None
        self.asked.append(found[2])
        said = OK if found[2] == "close-session" else self.answer(found[2])
        if said == HANG_UP:
            return False
        if said is not SILENCE:
            reply = f'<rpc-reply message-id="{found[1]}" xmlns="{BASE}">{said}</rpc-reply>'.encode()
            process.stdout.write(
                b"\n#%d\n%b\n##\n" % (len(reply), reply) if chunked else reply + b"]]>]]>"
            )
        return True


class Door(asyncssh.SSHServer):
    """Lets ``admin`` in by password, and notes who tried."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def begin_auth(self, username: str) -> bool:
        self.device.logins.append(username)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("admin", "secret")


@asynccontextmanager
async def listening(device: Device) -> AsyncIterator[Endpoint]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        lambda: Door(device),
        "127.0.0.1",
        0,
        server_host_keys=[key],
        process_factory=device.serve,
        encoding=None,
    )
    pinned = key.export_public_key().decode().strip()
    ports = {"netconf": server.get_port(), "ssh": server.get_port()}
    credential = Credential("admin", "secret")
    try:
        yield Endpoint("pe1", "sim_netconf", "127.0.0.1", credential, (pinned,), ports)
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def opened(
    endpoint: Endpoint, platform: model.Platform = PLATFORM
) -> AsyncIterator[session.NetconfSession]:
    async with (
        links.opened(endpoint) as ways,
        transport.session(ways, platform) as (greeted, exchange),
    ):
        observer = observation.Observer(ways, platform, observation.utc)
        yield session.NetconfSession("pe1", platform, greeted, exchange, observer.answer)


@asynccontextmanager
async def talking(
    answer: Answer, hello: str = HELLO, platform: model.Platform = PLATFORM
) -> AsyncIterator[tuple[session.NetconfSession, Device]]:
    device = Device(answer, hello)
    async with listening(device) as endpoint, opened(endpoint, platform) as talk:
        yield talk, device


def patience(reply: str | None) -> model.Platform:
    """Only silence is waited for in vain."""
    return IMPATIENT if reply is SILENCE else PLATFORM


def script(**answers: str | None) -> Answer:
    return lambda name: answers.get(name.replace("-", "_"), OK)


async def test_another_host_key_is_refused_before_any_login() -> None:
    device = Device(script())
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    async with listening(device) as endpoint:
        for keys in ((other,), (), ("ssh-ed25519 nonsense",)):
            with pytest.raises(DeviceRefused, match=r"[Hh]ost key"):
                async with opened(dataclasses.replace(endpoint, host_keys=keys)):
                    pass

    assert device.logins == []


async def test_another_kind_of_host_key_is_refused_before_any_login() -> None:
    device = Device(script())
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    async with listening(device) as endpoint:
        with pytest.raises(DeviceRefused):
            async with opened(dataclasses.replace(endpoint, host_keys=(other.strip(),))):
                pass

    assert device.logins == []


@pytest.mark.parametrize(
    "credential",
    [
        Credential("admin", "wrong"),
        Credential("nobody", "secret"),
        Credential("admin", None),
        Credential("admin", None, "/nonexistent/key"),
    ],
)
async def test_a_wrong_login_needs_a_person_and_is_not_shown(credential: Credential) -> None:
    async with listening(Device(script())) as endpoint:
        with pytest.raises(DeviceRefused) as refusal:
            async with opened(dataclasses.replace(endpoint, credential=credential)):
                pass

    assert "secret" not in str(refusal.value)
    assert "wrong" not in str(refusal.value)


async def test_nobody_there_is_unreachable() -> None:
    async with listening(Device(script())) as endpoint:
        pass

    with pytest.raises(DeviceUnreachable):
        async with opened(endpoint):
            pass


@pytest.mark.parametrize(
    "hello",
    ["", "<hello/>", "login:", HELLO.replace("base:1.", "base:7."), "x" * 200_000],
    ids=["silence", "wrong-namespace", "text", "other-base", "endless"],
)
async def test_a_server_without_a_proper_hello_is_unreachable(hello: str) -> None:
    with pytest.raises(DeviceUnreachable, match="no NETCONF there"):
        async with talking(script(), hello):
            pass


@pytest.mark.parametrize("hello", [HELLO, HELLO.replace("base:1.1", "none:1")])
async def test_both_framings_carry_a_session(hello: str) -> None:
    data = '<data><services xmlns="urn:oss-agent:lab:services"/></data>'
    async with talking(script(get_config=data), hello) as (talk, device):
        assert await talk.snapshot() == ""
        assert (Capability.PERSIST in talk.offers) == ("base:1.1" in hello)
        assert Capability.SIMULATED in talk.offers

    assert device.asked == ["get-config", "close-session"]


async def test_locking_cleans_before_and_after_and_gives_back_in_reverse() -> None:
    async with talking(script()) as (talk, device):
        await talk.lock()
        await talk.unlock()
        await talk.unlock()

    assert device.asked[:-1] == [
        "lock", "discard-changes", "lock", "discard-changes", "unlock", "unlock",
    ]  # fmt: skip


async def test_half_a_lock_is_given_back() -> None:
    locks = iter([OK, failing("lock-denied")])

    def answer(name: str) -> str | None:
        return next(locks) if name == "lock" else OK

    async with talking(answer) as (talk, device):
        with pytest.raises(DeviceBusy):
            await talk.lock()

    assert device.asked == ["lock", "discard-changes", "lock", "unlock", "close-session"]


@pytest.mark.parametrize("reply", [SILENCE, HANG_UP, "", "<data/>"])
async def test_a_commit_without_a_clear_answer_is_unknown(reply: str | None) -> None:
    async with talking(script(commit=reply), platform=patience(reply)) as (talk, _):
        with pytest.raises(CommitUnknown):
            await talk.commit(confirm_within=10, persist="t")


@pytest.mark.parametrize("reply", [SILENCE, HANG_UP, ""])
async def test_the_same_silence_to_an_edit_changed_nothing(reply: str | None) -> None:
    async with talking(script(edit_config=reply), platform=patience(reply)) as (talk, _):
        with pytest.raises(DeviceUnreachable):
            await talk.edit([EDIT])


async def test_after_a_timeout_the_session_is_closed_and_a_commit_is_not_even_sent() -> None:
    async with talking(script(edit_config=SILENCE), platform=IMPATIENT) as (talk, device):
        with pytest.raises(DeviceUnreachable):
            await talk.edit([EDIT])
        with pytest.raises(DeviceUnreachable, match="no answer to edit-config"):
            await talk.commit()
        await talk.unlock()

    assert device.asked == ["edit-config"]


async def test_a_refused_commit_is_a_refusal() -> None:
    async with talking(script(commit=failing("operation-failed", "no resources"))) as (talk, _):
        with pytest.raises(ChangeRejected, match="no resources"):
            await talk.commit()


async def test_nothing_is_committed_behind_an_edit_whose_answer_is_not_read() -> None:
    async with talking(script(edit_config=failing("invalid-value"))) as (talk, device):
        with pytest.raises(ChangeRejected):
            await talk.edit([EDIT])

    assert "commit" not in device.asked


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (OK, Pending.HELD),
        (failing("invalid-value"), Pending.OTHERS),
        (failing("operation-failed"), Pending.GONE),
    ],
)
async def test_probing_tells_ours_from_others_from_gone(reply: str, found: Pending) -> None:
    async with talking(script(commit=reply)) as (talk, device):
        assert await talk.probe_pending(persist="t", confirm_within=10) is found

    assert device.asked[:2] == ["discard-changes", "commit"]


async def test_gone_is_not_said_where_a_lock_of_running_would_tell_nothing() -> None:
    netconf = dataclasses.replace(PLATFORM.netconf, lock_tells=False)
    platform = dataclasses.replace(PLATFORM, netconf=netconf)
    answers = script(commit=failing("operation-failed"))
    async with talking(answers, platform=platform) as (talk, device):
        assert await talk.probe_pending(persist="t", confirm_within=10) is Pending.UNCLEAR

    assert "lock" not in device.asked


async def test_a_refusal_that_tells_nothing_about_what_is_pending_is_passed_on() -> None:
    async with talking(script(commit=failing("data-missing", "no space"))) as (talk, _):
        with pytest.raises(ChangeRejected, match="no space"):
            await talk.probe_pending(persist="t", confirm_within=10)


async def test_gone_is_not_believed_while_running_cannot_be_locked() -> None:
    answers = script(commit=failing("operation-failed"), lock=failing("in-use", "commit pending"))
    async with talking(answers) as (talk, _):
        with pytest.raises(DeviceBusy, match="running cannot be locked"):
            await talk.probe_pending(persist="t", confirm_within=10)


async def test_without_a_token_only_the_session_that_committed_has_something_pending() -> None:
    hello = HELLO.replace("confirmed-commit:1.1", "confirmed-commit:1.0")
    async with talking(script(), hello) as (talk, device):
        assert await talk.probe_pending(persist=None, confirm_within=10) is Pending.GONE
        with pytest.raises(ChangeRejected, match="nothing is pending in this session"):
            await talk.confirm()
        await talk.cancel()
        asked = list(device.asked)
        await talk.commit(confirm_within=10)
        assert await talk.probe_pending(persist=None, confirm_within=10) is Pending.HELD
        await talk.cancel()
        with pytest.raises(DeviceUnreachable, match="closed to undo"):
            await talk.snapshot()

    assert asked == []
    assert device.asked == ["commit", "discard-changes", "commit", "close-session"]


async def test_probing_behind_somebody_elses_lock_says_busy() -> None:
    async with talking(script(commit=failing("in-use"))) as (talk, _):
        with pytest.raises(DeviceBusy):
            await talk.probe_pending(persist="t", confirm_within=10)


async def test_a_cancel_that_failed_is_told_from_nothing_to_cancel() -> None:
    refused = failing("operation-failed")
    async with talking(script(cancel_commit=refused, commit=refused)) as (talk, _):
        await talk.cancel(persist="t")
    async with talking(script(cancel_commit=refused, commit=OK)) as (talk, _):
        with pytest.raises(ChangeRejected):
            await talk.cancel(persist="t")


async def test_confirming_by_token_resets_the_candidate_first() -> None:
    async with talking(script()) as (talk, device):
        await talk.confirm(persist="t")

    assert device.asked[:2] == ["discard-changes", "commit"]


async def test_control_characters_never_reach_the_wire() -> None:
    bad = Tree(Step("eline", (("name", "a"),)), children=(Tree(Step("vni"), "1\x00"),))
    async with talking(script()) as (talk, device):
        with pytest.raises(ChangeRejected):
            await talk.edit([dataclasses.replace(EDIT, node=bad)])

    assert device.asked == ["close-session"]


async def test_a_configuration_that_does_not_fit_the_schema_needs_a_person() -> None:
    data = '<data><services xmlns="urn:oss-agent:lab:services"><eline/></services></data>'
    async with talking(script(get_config=data)) as (talk, _):
        with pytest.raises(DeviceRefused, match="without its key name"):
            await talk.read((Step("services"),))


async def test_an_endless_reply_ends_the_session() -> None:
    async with talking(script(get_config=f"<data>{'x' * 200_000}</data>")) as (talk, _):
        with pytest.raises(DeviceUnreachable, match="larger than 150000 bytes"):
            await talk.snapshot()


async def test_cancelling_a_read_leaves_the_session_usable() -> None:
    answers = iter([SILENCE, "<data/>"])

    def answer(name: str) -> str | None:
        return next(answers) if name == "get-config" else OK

    async with talking(answer) as (talk, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await talk.snapshot()
        assert await talk.snapshot() == ""


async def test_a_large_configuration_is_walked_beside_the_loop() -> None:
    entries = "".join(f"<eline><name>n{n:04}</name><vni>{n}</vni></eline>" for n in range(2000))
    data = f'<data><services xmlns="urn:oss-agent:lab:services">{entries}</services></data>'
    async with talking(script(get_config=data)) as (talk, _):
        assert len((await talk.read(())).children[0].children) == 2000
        assert (await talk.snapshot()).count("<eline>") == 2000


async def test_a_simulated_platform_answers_honestly_and_an_unknown_kind_is_unobservable() -> None:
    async with talking(script()) as (talk, _):
        ping = await talk.observe(Question("ping", {"target": "10.0.0.1", "count": "5"}))
        odd = await talk.observe(Question("phase-of-moon"))
        injected = await talk.observe(Question("interface-up", {"port": "eth0; reboot"}))

    assert ping.simulated
    assert odd.unobservable is not None
    assert "can only say" in odd.unobservable
    assert injected.unobservable is not None
    assert not odd.simulated


class Closed:
    """A channel that the device has closed; asyncssh knows it, and has not told yet."""

    aborted = False

    def write(self, data: bytes) -> None:
        del data
        raise BrokenPipeError("Channel not open for sending")

    def abort(self) -> None:
        self.aborted = True


async def test_who_writes_to_a_channel_that_is_closed_already_hears_of_a_hang_up() -> None:
    channel, closed = transport.Channel(1_000), Closed()
    channel.connection_made(cast("asyncssh.SSHClientChannel[bytes]", closed))
    channel.send(b"<hello/>")
    assert channel.hello.result() == "the device hung up"
    assert closed.aborted
