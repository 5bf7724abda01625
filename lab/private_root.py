"""Decides how a process gets a root of its own: a copy-on-write view of this machine with the layer over it.

The argv made here starts one `unshare` process. Killing it removes every process and mount of the
private root at once, so nothing has to be undone step by step (root/enter.sh).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.layer import Layer

_ENTER = Path(__file__).parent / "root" / "enter.sh"


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of this machine seen inside a private root."""

    source: Path
    target: str
    mode: Literal["ro", "rw"] = "ro"


@dataclass(frozen=True, slots=True)
class PrivateRoot:
    """What a private root is made of; `stage` is an empty directory to mount on."""

    layer: Layer
    stage: Path
    hostname: str
    binds: tuple[Bind, ...] = ()
    netns: str = ""

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs `command` inside."""
        enter = [*self._box(), "bash", str(_ENTER), self.layer.shape, str(self.layer.path)]
        binds = [
            word
            for bind in self.binds
            for word in ("--bind", str(bind.source), bind.target, bind.mode)
        ]
        return [*enter, str(self.stage), self.hostname, *binds, "--", *command]

    def _box(self) -> list[str]:
        box = ["unshare", "--mount", "--uts", "--ipc", "--pid"]
        return [*in_netns(self.netns), *box, "--fork", "--kill-child", "--mount-proc"]


def in_netns(name: str) -> list[str]:
    """Return the prefix that runs a command in a named network namespace; none for the machine's own."""
    return ["nsenter", f"--net=/run/netns/{name}", "--"] if name else []


def inside(pid: int) -> list[str]:
    """Return the prefix that runs a command in the private root whose first process is `pid`."""
    return ["nsenter", "--target", str(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
