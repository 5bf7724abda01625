"""A limit of memory for one process, so that the kernel kills it where it asks for more (cgroup v1)."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabUnavailable

_ROOT = Path("/sys/fs/cgroup/memory")
_numbers = itertools.count()


class Group:
    """A control group whose members together may use so many bytes more than when they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def limit(self, pid: int, more: int) -> None:
        """Let a process have ``more`` bytes; what it has already stays charged where it was."""
        (self._folder / "memory.limit_in_bytes").write_text(str(more), encoding="ascii")
        (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    @property
    def killed(self) -> int:
        """How many the kernel has killed for memory in this group."""
        text = (self._folder / "memory.oom_control").read_text(encoding="ascii")
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])


@contextlib.contextmanager
def group() -> Iterator[Group]:
    """A group of one's own, without members. LabUnavailable where this process may make none."""
    folder = _ROOT / f"oss-agent-crash-{os.getpid()}-{next(_numbers)}"
    try:
        folder.mkdir()
    except OSError as refused:
        raise LabUnavailable(f"no control group for memory (cgroup v1): {refused}") from refused
    try:
        yield Group(folder)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove it once its last member is reaped."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.02)
