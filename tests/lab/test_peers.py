"""The servers other rooms test against: they work, and leave nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncssh
import psycopg
import pytest

from lab import peers, questions

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lab_ground")]

CHECKOUT = Path(__file__).parents[2]
HELLO = (
    '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>"
)


async def hello(peer: peers.NetconfPeer, *, by_key: bool) -> str:
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{peer.port} {peer.host_key}\n")
    connection = await asyncssh.connect(
        peer.host,
        peer.port,
        username=peer.user,
        known_hosts=known,
        config=None,
        client_keys=[str(peer.key)] if by_key else None,
        password=None if by_key else peer.password,
    )
    heard: list[str] = []
    async with connection:
        stdin, stdout, _ = await connection.open_session(subsystem="netconf", encoding="utf-8")
        stdin.write(HELLO)
        heard.append(str(await asyncio.wait_for(stdout.readuntil("]]>]]>"), 300)))
    return heard[0]


@pytest.mark.parametrize("by_key", [True, False])
def test_netconfd_serves_our_module_by_key_and_by_password(*, by_key: bool) -> None:
    with peers.netconfd() as peer:
        capabilities = asyncio.run(hello(peer, by_key=by_key))
        assert "urn:oss-agent:lab:services" in capabilities
        assert "confirmed-commit:1.1" in capabilities
    assert not questions.greets(peer.host, peer.port)
    assert not peer.key.exists()


def test_netconfd_starts_with_a_given_configuration_and_other_modules(tmp_path: Path) -> None:
    (tmp_path / "tiny.yang").write_text(
        'module tiny { namespace "urn:tiny"; prefix t; container c { leaf l { type string; } } }'
    )
    startup = (
        '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        '<c xmlns="urn:tiny"><l>kept</l></c></config>'
    )
    with peers.netconfd(("tiny", "ietf-interfaces"), modpath=[tmp_path], startup=startup) as peer:
        assert "urn:tiny" in asyncio.run(hello(peer, by_key=True))
        assert "Startup config loaded OK" in peer.log.read_text()


def test_two_of_each_run_side_by_side() -> None:
    with peers.netconfd() as a, peers.netconfd() as b, peers.snmpd() as c, peers.snmpd() as d:
        assert len({a.port, b.port}) == len({c.port, d.port}) == 2
        assert a.host_key != b.host_key
        assert questions.answers_snmp(c.host, c.port)
        assert questions.answers_snmp(d.host, d.port)
    assert not questions.answers_snmp(c.host, c.port)


def test_postgres_is_fresh_and_gone_after() -> None:
    with peers.postgres() as server:
        for url in (server.url, server.socket_url):
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                assert connection.execute("select 40 + 2").fetchone() == (42,)
    assert not server.sockets.exists()


def test_promtool_judges() -> None:
    code, words = peers.promtool(["check", "metrics"], stdin="a_total 1\n")
    assert code in {0, 3}, words  # 3: it has remarks


def test_a_killed_starter_takes_its_server_along() -> None:
    text = """
import time
from lab import peers
with peers.snmpd() as peer:
    print(peer.port, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", text], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert questions.answers_snmp("127.0.0.1", port)
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 300
    while questions.answers_snmp("127.0.0.1", port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not questions.answers_snmp("127.0.0.1", port)
    with peers.snmpd():  # the next peer removes the directory the killed one left
        left = Path(tempfile.gettempdir()).glob(f"oss-lab-peer-{starter.pid}-*")
        assert list(left) == []
