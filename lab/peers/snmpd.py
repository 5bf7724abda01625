"""Decides what a real SNMP agent on loopback is: Debian's net-snmp with this machine's interfaces."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import install, questions
from lab.peers import guest


@dataclass(frozen=True, slots=True)
class SnmpPeer:
    """Where the agent is and what it accepts."""

    host: str
    port: int
    community: str
    write_community: str
    v3_user: str
    v3_auth_sha: str
    v3_priv_aes: str
    log: Path


@contextmanager
def snmpd(
    *, trapsink: tuple[str, int] | None = None, configuration: str = ""
) -> Iterator[SnmpPeer]:
    """Run an agent with IF-MIB, SNMPv2-MIB and IP-MIB on a free loopback port, v2c and v3.

    `configuration` is appended to its snmpd.conf.
    """
    layer = install.ensure()
    with guest.folder() as top:
        port, shared = guest.free_port(socket.SOCK_DGRAM), top / "shared"
        (shared / "snmpd.conf").write_text(_configuration(port, trapsink) + configuration)
        with guest.running(layer, top, "snmpd.sh", []) as server:
            guest.wait_ready(server, lambda: questions.answers_snmp("127.0.0.1", port), "snmpd")
            yield SnmpPeer(
                "127.0.0.1",
                port,
                "public",
                "private",
                "labv3",
                "labv3auth1",
                "labv3priv1",
                shared / "snmpd.log",
            )


def _configuration(port: int, trapsink: tuple[str, int] | None) -> str:
    lines = [
        f"agentAddress udp:127.0.0.1:{port}",
        "rocommunity public",
        "rwcommunity private",
        "view all included .1",
        "sysName peer",
        "createUser labv3 SHA labv3auth1 AES labv3priv1",
        "rouser labv3 priv",
    ]
    if trapsink is not None:
        lines.append(f"trap2sink {trapsink[0]}:{trapsink[1]} public")
    return "\n".join(lines) + "\n"
