"""Decides which Debian packages a lab needs and installs them beside the machine, never into it.

They go into a cached lower layer (layer.py): the machine's package database is not touched and no service starts.
An interrupted installation is resumed; two that start at once wait for each other.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import layer
from lab.commands import attempt, run
from lab.errors import CommandFailed, LabUnavailable
from lab.layer import Layer

Say = Callable[[str], None]

# No netconfd-module-*: those run ifconfig and reboot on the system they serve.
PACKAGES: dict[str, tuple[str, ...]] = {
    "lab": (
        "frr",
        "frr-snmp",
        "frr-pythontools",
        "snmpd",
        "snmp",
        "lldpd",
        "openssh-server",
        "openssh-client",
        "netconfd",
        "iproute2",
        "nftables",
        "iperf3",
        "iputils-ping",
        "tcpdump",
        "procps",
        "openssl",
        "python3",
    ),
    "tests": ("postgresql", "prometheus"),
}
# A package of the `tests` set is left out when the machine already has what it is for.
_PROVES = {"postgresql": "initdb", "prometheus": "promtool"}
_SCRIPT = Path(__file__).parent / "root" / "install.sh"
_DEADLINE = 1500.0


def wanted(sets: Sequence[str]) -> tuple[str, ...]:
    """List the packages of the named sets that this machine needs; an unknown set lists the known ones."""
    unknown = sorted(set(sets) - set(PACKAGES))
    if unknown:
        raise LabUnavailable(
            f"no package set {', '.join(unknown)}; there are {', '.join(PACKAGES)}"
        )
    named = [package for name in sets for package in PACKAGES[name]]
    return tuple(p for p in named if p not in _PROVES or machine_program(_PROVES[p]) is None)


def machine_program(name: str) -> Path | None:
    """Find a program on this machine, PostgreSQL's versioned folders included."""
    found = shutil.which(name)
    if found:
        return Path(found)
    return next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)


def ensure(sets: Sequence[str] = ("lab",), *, say: Say | None = None) -> Layer:
    """Return the layer with the packages of `sets`, installing what is missing first."""
    refuse_impossible()
    packages = wanted(sets)
    place = layer.home(os.environ)
    path = place / layer.key(packages, _release(), _architecture())
    with _alone(place / f"{path.name}.lock", say) as lock:
        if not (path / "complete").exists():
            _install(path, packages, lock, say or _quiet)
    return Layer(path=path, shape=layer.shape_of(place))


def plan(sets: Sequence[str] = ("lab",)) -> str:
    """Say what ensure would do, changing nothing."""
    packages = wanted(sets)
    name = layer.key(packages, _release(), _architecture())
    found = [p / name for p in layer.places(os.environ) if (p / name / "complete").exists()]
    where = f"installed already in {found[0]}" if found else "to be installed"
    return f"layer {name} {where}: {' '.join(packages) or 'nothing'}"


def _install(path: Path, packages: Sequence[str], lock: int, say: Say) -> None:
    if not packages:
        path.mkdir(parents=True, exist_ok=True)
        (path / "upper").mkdir(exist_ok=True)
    else:
        say(f"installing into the lab's own layer {path}: {' '.join(packages)}")
        began = time.monotonic()
        try:
            _apt(path, packages, lock)
        except CommandFailed as broken:
            say(f"starting over with an empty layer: {broken}")
            shutil.rmtree(path, ignore_errors=True)
            _once_more(path, packages, lock)
        say(f"installed in {time.monotonic() - began:.0f} s")
    (path / "complete").write_text("\n".join(packages) + "\n")


def _once_more(path: Path, packages: Sequence[str], lock: int) -> None:
    try:
        _apt(path, packages, lock)
    except CommandFailed as broken:
        shutil.rmtree(path, ignore_errors=True)
        raise LabUnavailable(f"the packages cannot be installed: {broken}") from broken


def _apt(path: Path, packages: Sequence[str], lock: int) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    # it dies with us, and holds the lock until it is really dead: nobody works on its files before
    boxed = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    run([*boxed, "bash", str(_SCRIPT), str(path), *packages], within=_DEADLINE, keep=(lock,))
    shutil.rmtree(path / "work", ignore_errors=True)


def refuse_impossible() -> None:
    """Raise LabUnavailable when no private root can be made here."""
    if sys.platform != "linux":
        raise LabUnavailable("the lab needs Linux (network namespaces)")
    if os.geteuid() != 0:
        raise LabUnavailable("the lab needs root (network and mount namespaces)")
    for tool in ("unshare", "nsenter", "mount", "pivot_root", "setpriv", "chroot"):
        if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            raise LabUnavailable(
                f"{tool} is not installed (Debian package util-linux or coreutils)"
            )
    if attempt(["unshare", "--mount", "--pid", "--uts", "--fork", "true"]).returncode != 0:
        raise LabUnavailable("namespaces cannot be made here (a container without the privilege?)")


def _release() -> str:
    fields = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().splitlines()
        if "=" in line
    )
    if shutil.which("apt-get") is None:
        raise LabUnavailable("the lab installs Debian packages and this machine has no apt-get")
    return f"{fields.get('ID', 'debian')}{fields.get('VERSION_ID', '')}".replace('"', "")


def _architecture() -> str:
    return run(["dpkg", "--print-architecture"]).strip()


@contextmanager
def _alone(lock: Path, say: Say | None) -> Iterator[int]:
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            (say or _quiet)("waiting for another installation of the same packages")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield held.fileno()


def _quiet(_words: str) -> None:
    """Say nothing."""
