"""Decides what a real command-line router on loopback is: FRR's bgpd and vtysh behind OpenSSH."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import install, questions
from lab.commands import run
from lab.peers import guest

USER = "admin"
PASSWORD = "admin"  # noqa: S105 - a throw-away server on loopback


@dataclass(frozen=True, slots=True)
class FrrPeer:
    """Where the router is and how to log in; its login shell is vtysh."""

    host: str
    port: int
    user: str
    password: str
    host_key: str


@contextmanager
def frr() -> Iterator[FrrPeer]:
    """Serve vtysh over SSH on a free loopback port, with no configuration but its name.

    Only bgpd runs, with no port and no zebra: nothing of this machine's network is touched.
    """
    layer = install.ensure()
    with guest.folder() as top:
        port, shared = guest.free_port(), top / "shared"
        host_key = _key(shared)
        with guest.running(layer, top, "frr.sh", [str(port), USER, PASSWORD]) as server:
            guest.wait_ready(server, lambda: _ready(shared, port), "FRR")
            yield FrrPeer("127.0.0.1", port, USER, PASSWORD, host_key)


def _key(shared: Path) -> str:
    file = shared / "host_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "host", "-f", str(file)])
    return " ".join((shared / "host_key.pub").read_text().split()[:2])


def _ready(shared: Path, port: int) -> bool:
    return (shared / "ready").exists() and questions.greets("127.0.0.1", port)
