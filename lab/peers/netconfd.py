"""Decides what a real NETCONF server on loopback is: Debian's netconfd behind OpenSSH."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import install, questions
from lab.commands import run
from lab.peers import guest
from lab.private_root import Bind

USER = "admin"
PASSWORD = "admin"  # noqa: S105 - a throw-away server on loopback
EMPTY = '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>'


@dataclass(frozen=True, slots=True)
class NetconfPeer:
    """Where the server is and how to log in: by password or by key."""

    host: str
    port: int
    user: str
    password: str
    key: Path
    host_key: str
    log: Path


@contextmanager
def netconfd(
    modules: Sequence[str] = ("oss-lab-services",),
    *,
    modpath: Sequence[Path] = (),
    startup: str = EMPTY,
    target: str = "candidate",
    arguments: Sequence[str] = (),
) -> Iterator[NetconfPeer]:
    """Serve YANG modules by NETCONF over SSH on a free loopback port, running = `startup`.

    `modpath` names further directories of modules; `target` is the datastore that is edited,
    `candidate` or `running`; `arguments` goes to netconfd as it is.
    """
    layer = install.ensure()
    with guest.folder() as top:
        port, shared = guest.free_port(), top / "shared"
        host_key = _keys(shared, startup)
        binds = [Bind(path, f"/opt/modules/{n}") for n, path in enumerate(modpath)]
        options = [f"--target={target}", *(f"--module={name}" for name in modules), *arguments]
        words = [str(port), USER, PASSWORD, *options]
        with guest.running(layer, top, "netconfd.sh", words, binds) as server:
            guest.wait_ready(server, lambda: _ready(shared, port), "netconfd")
            key = top / "id"
            yield NetconfPeer(
                "127.0.0.1", port, USER, PASSWORD, key, host_key, shared / "netconfd.log"
            )


def _keys(shared: Path, startup: str) -> str:
    for name in ("host_key", "id"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(shared / name)])
    shutil.move(shared / "id", shared.parent / "id")
    (shared / "startup-cfg.xml").write_text(startup)
    return " ".join((shared / "host_key.pub").read_text().split()[:2])


def _ready(shared: Path, port: int) -> bool:
    return (shared / "ready").exists() and questions.greets("127.0.0.1", port)
