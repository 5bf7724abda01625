"""Decides what a real PostgreSQL on loopback is: a fresh cluster of its own, gone afterwards.

This machine's binaries are used when it has them, else the layer's. Root runs it in a private root
(PostgreSQL itself refuses to be root); anyone else runs the machine's binaries as they are.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import install
from lab.errors import LabUnavailable
from lab.layer import Layer
from lab.peers import guest

_SETTINGS = ("listen_addresses=127.0.0.1", "shared_buffers=32MB", "log_min_messages=warning")
_INSIDE = "/run/oss-lab"
_SCRIPT = Path(__file__).parent / "postgres.sh"


@dataclass(frozen=True, slots=True)
class PostgresPeer:
    """Where the server is; `url` is SQLAlchemy's, for psycopg 3, over loopback."""

    host: str
    port: int
    user: str
    password: str
    database: str
    sockets: Path

    @property
    def url(self) -> str:
        """The server's first database over TCP."""
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        login = f"{self.user}:{self.password}"
        return f"postgresql+psycopg://{login}@{self.host}:{self.port}/{database}"

    @property
    def socket_url(self) -> str:
        """The first database over the unix socket."""
        login = f"{self.user}:{self.password}"
        return f"postgresql+psycopg://{login}@/{self.database}?host={self.sockets}&port={self.port}"


@contextmanager
def postgres(*, settings: tuple[str, ...] = ()) -> Iterator[PostgresPeer]:
    """Run PostgreSQL on a free loopback port; `settings` are NAME=VALUE lines of its configuration.

    Like every server here it ends at once, data and all, when the block ends.
    """
    programs, layer = _programs()
    port = guest.free_port()
    with guest.folder() as top, _serving(programs, layer, top, port, settings) as server:
        shared = top / "shared"
        guest.wait_ready(server, lambda: _accepts(shared), "PostgreSQL", within=300)
        yield PostgresPeer("127.0.0.1", port, "oss", "oss", "postgres", shared)


def _accepts(shared: Path) -> bool:
    # the last line of the server's own pid file; the socket is there before it accepts
    try:
        status = (shared / "data" / "postmaster.pid").read_text()
    except FileNotFoundError:  # before initdb is done it comes and goes
        return False
    return status.split()[-1:] == ["ready"]


def _programs() -> tuple[Path, Layer | None]:
    """Return where initdb is, and the layer for a private root (None: no root, no private root)."""
    machine = install.machine_program("initdb")
    if os.geteuid() != 0:
        if machine is None:
            raise LabUnavailable("PostgreSQL is not installed here and only root can add the layer")
        return machine.resolve().parent, None
    if machine is None:
        return Path("/usr/lib/postgresql/none"), install.ensure(("tests",))
    install.refuse_impossible()
    return machine.resolve().parent, Layer(Path("/"), "plain")


@contextmanager
def _serving(
    programs: Path, layer: Layer | None, top: Path, port: int, settings: tuple[str, ...]
) -> Iterator[guest.Guest]:
    chosen = [*_SETTINGS, *settings]
    if layer is not None:
        words = [str(programs), _INSIDE, str(port), "postgres", *chosen]
        with guest.running(layer, top, "postgres.sh", words) as server:
            yield server
        return
    argv = ["bash", str(_SCRIPT), str(programs), str(top / "shared"), str(port), "", *chosen]
    with (top / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield guest.Guest(process, top / "shared", top / "log")
    finally:
        process.communicate(timeout=300)  # closes its input: it ends by itself
