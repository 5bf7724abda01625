"""Commands over SSH: bounded in time and size, printable, one connection for all questions."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncssh
import pytest

from drivers import execution, links, observation, text
from drivers.linux_host.driver import DRIVER
from oss_agent.errors import ChangeRejected, DeviceRefused, DeviceUnreachable
from oss_agent.spi.device import Capability, Credential, Endpoint, Pending
from oss_agent.spi.proof import Question
from oss_agent.spi.tree import EMPTY, Edit, Operation, Step, Tree

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PING = Question("ping", {"target": "192.0.2.1", "count": "3"})
PINGED = "3 packets transmitted, 3 received, 0% packet loss, time 407ms\n"


class Host:
    """An SSH server whose commands are canned, and which remembers what it was told."""

    def __init__(self, **answers: tuple[str, int]) -> None:
        self.answers = answers
        self.commands: list[str] = []
        self.connections = 0
        self.open: list[asyncssh.SSHServerConnection] = []

    async def run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        command = process.command or ""
        self.commands.append(command)
        if command == "sleep":
            await asyncio.sleep(60)
        if command == "endless":
            process.stdout.write("x" * 1_000_000)
        out, status = self.answers.get(command.split(" ")[0], ("", 127))
        process.stdout.write(out)
        process.stderr.write("" if status == 0 else "it did not work\n")
        process.exit(status)

    def accept(self) -> asyncssh.SSHServer:
        self.connections += 1
        return Door(self)

    def cut(self) -> None:
        """Abort every connection."""
        for connection in self.open:
            connection.abort()


class Door(asyncssh.SSHServer):
    """Lets ``ops`` in by password."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.host.open.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ops", "secret")


@asynccontextmanager
async def listening(host: Host) -> AsyncIterator[Endpoint]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        host.accept, "127.0.0.1", 0, server_host_keys=[key], process_factory=host.run
    )
    pinned = key.export_public_key().decode().strip()
    try:
        yield Endpoint(
            "b1",
            "linux_host",
            "127.0.0.1",
            Credential("ops", "secret"),
            (pinned,),
            {"ssh": server.get_port()},
        )
    finally:
        server.close()
        await server.wait_closed()


async def test_questions_share_one_connection_and_carry_a_transcript() -> None:
    host = Host(ping=(PINGED, 0), ip=('[{"ifname": "lo"}]', 0))
    driver = dataclasses.replace(DRIVER, now=lambda: AT)
    async with listening(host) as endpoint, driver.session(endpoint) as talk:
        ping = await talk.observe(PING)
        addresses = await talk.observe(Question("addresses"))

    assert host.connections == 1
    assert host.commands == ["ping -n -c 3 -i 0.2 -W 1 192.0.2.1", "ip -j addr"]
    assert (ping.values["sent"], ping.values["received"], ping.at) == (3, 3, AT)
    assert ping.transcript.startswith("$ ping -n -c 3")
    assert addresses.values == {"addresses": '[{"ifname":"lo"}]'}


async def test_a_missing_program_is_unobservable_with_its_own_words() -> None:
    async with listening(Host()) as endpoint, DRIVER.session(endpoint) as talk:
        seen = await talk.observe(PING)

    assert seen.values == {}
    assert seen.unobservable is not None
    assert "exit status 127: it did not work" in seen.unobservable


async def test_a_value_that_does_not_fit_is_never_sent() -> None:
    host = Host(ping=(PINGED, 0))
    async with listening(host) as endpoint, DRIVER.session(endpoint) as talk:
        seen = await talk.observe(Question("ping", {"target": "127.0.0.1; id", "count": "3"}))

    assert seen.unobservable is not None
    assert host.commands == []


async def test_a_command_that_never_ends_is_given_up_and_the_next_one_runs() -> None:
    async with (
        listening(Host(ip=("[]", 0))) as endpoint,
        links.opened(endpoint) as ways,
    ):
        with pytest.raises(execution.NoOutput, match="no end within"):
            await execution.run(ways, endpoint.ports["ssh"], ["sleep"], within=0.1, limit=100)
        after = await execution.run(ways, endpoint.ports["ssh"], ["ip"], within=60, limit=100)

    assert (after.status, after.out, after.cut) == (0, "[]", False)


async def test_endless_output_is_cut_and_said_so() -> None:
    async with (
        listening(Host()) as endpoint,
        links.opened(endpoint) as ways,
    ):
        output = await execution.run(
            ways, endpoint.ports["ssh"], ["endless"], within=60, limit=1000
        )

    assert output.cut
    assert output.out == "x" * 1000


async def test_words_are_quoted_for_the_shell() -> None:
    host = Host()
    async with listening(host) as endpoint, links.opened(endpoint) as ways:
        await execution.run(
            ways, endpoint.ports["ssh"], ["echo", "a; reboot", "$(id)"], within=60, limit=100
        )

    assert host.commands == ["echo 'a; reboot' '$(id)'"]


async def test_a_host_is_asked_and_never_configured() -> None:
    edit = Edit(Operation.CREATE, (Step("x"),), Tree(Step("x"), "1"))
    async with listening(Host()) as endpoint, DRIVER.session(endpoint) as talk:
        for refused in (talk.lock(), talk.edit([edit]), talk.commit(), talk.confirm(persist="t")):
            with pytest.raises(ChangeRejected, match="only asked, never configured"):
                await refused
        for harmless in (
            talk.unlock(),
            talk.discard(),
            talk.cancel(),
            talk.save(),
            talk.validate(),
        ):
            await harmless
        assert await talk.probe_pending(persist="t", confirm_within=60) is Pending.GONE
        assert await talk.read(()) == EMPTY
        assert (await talk.diff(), await talk.snapshot()) == ("", "")
        assert talk.offers == {Capability.PROBE}


async def test_an_open_session_has_passed_key_and_login() -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    async with listening(Host()) as endpoint:
        for wrong in (
            dataclasses.replace(endpoint, host_keys=()),
            dataclasses.replace(endpoint, host_keys=(stranger,)),
            dataclasses.replace(endpoint, credential=Credential("ops", "no")),
        ):
            with pytest.raises(DeviceRefused):
                async with DRIVER.session(wrong):
                    pass


async def test_a_lost_connection_is_unreachable_or_unobservable_never_an_answer() -> None:
    host = Host(ping=(PINGED, 0))
    async with listening(host) as endpoint, links.opened(endpoint) as ways:
        observer = observation.Observer(ways, DRIVER.model, observation.utc)
        assert (await observer.answer(PING)).values["sent"] == 3
        host.cut()
        try:
            seen = await observer.answer(PING)
        except DeviceUnreachable:
            return
    assert seen.unobservable is not None or seen.values["sent"] == 3


def test_text_of_devices_loses_what_acts_on_terminals() -> None:
    assert text.clean("a\x1b[2Jb\x07\r\n\tc\u202e") == "a[2Jb\n\tc"
    assert text.clean("x" * 10, 4) == "xxxx\n[cut at 4 characters]"
    assert text.line(" a\n\n b\t") == "a b"
