"""SIGTERM ends the process in its time, also while PostgreSQL is away and the order motor waits for it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import peers
from oss_agent import locks
from tests import lab_or_skip

_VICTIM = Path(__file__).parent / "ending_victim.py"


@contextlib.contextmanager
def _victim(url: str, within: float) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, str(_VICTIM), url, str(within)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _hears(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.peer
def test_a_stop_while_postgresql_is_away_ends_in_its_time_and_says_what_waits() -> None:
    with contextlib.ExitStack() as server:
        server.enter_context(lab_or_skip.needed())
        database = server.enter_context(peers.postgres(settings=("fsync=off",)))
        with _victim(database.url, within=2.0) as process:
            assert _hears(process) == b"begun\n"
            server.close()  # PostgreSQL is stopped; what the run did cannot be noted
            assert process.stdin is not None
            process.stdin.write(b"\n")
            assert _hears(process) == b"done\n"
            process.terminate()
            said = b"".join(process.communicate(timeout=300))
    assert process.returncode == locks.EXIT_LOST
    assert b"ended without clean-up" in said
    assert b"goes on at the next start" in said
