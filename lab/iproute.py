"""Decides which `ip` program works on namespaces: the machine's, else the one in the layer."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.commands import run
from lab.errors import LabUnavailable
from lab.layer import Layer


@dataclass(frozen=True, slots=True)
class Ip:
    """The `ip` program, as a prefix of arguments."""

    prefix: tuple[str, ...]

    def batch(self, lines: Sequence[str], *, namespace: str = "") -> None:
        """Run many lines in one process; the first refusal stops it."""
        inside = ("-netns", namespace) if namespace else ()
        run([*self.prefix, *inside, "-batch", "-"], stdin="\n".join(lines) + "\n")

    def ask(self, *words: str) -> str:
        """Run one question."""
        return run([*self.prefix, *words])


def find(layer: Layer) -> Ip:
    """Find `ip`; the layer's needs the layer's libraries."""
    machine = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    if machine:
        return Ip((machine,))
    for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
        program = layer.upper / folder / "ip"
        if program.is_file():
            return Ip(("env", f"LD_LIBRARY_PATH={_libraries(layer.upper)}", str(program)))
    raise LabUnavailable("no `ip` program: install Debian's iproute2")


def _libraries(upper: Path) -> str:
    folders = [upper / "usr/lib", *(upper / "usr/lib").glob("*-linux-gnu"), *upper.glob("lib/*")]
    return ":".join(str(folder) for folder in folders if folder.is_dir())
