"""A victim of a kill test: a process that prints numbers it has stored, until SIGKILL."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def start(victim: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a victim's program."""
    argv = [sys.executable, str(victim), *map(str, arguments)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE)


def numbers(victim: Path, *arguments: object, after: float) -> set[int]:
    """Run a victim and kill it ``after`` seconds after its first number; the numbers it printed whole."""
    process = start(victim, *arguments)
    assert process.stdout is not None
    with process.stdout as stored:
        begun = stored.readline()
        time.sleep(after)
        process.kill()
        lines = [begun, *stored.readlines()]
    process.wait(timeout=300)
    return {int(line) for line in lines if line.endswith(b"\n")}
