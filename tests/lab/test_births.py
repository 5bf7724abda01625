"""What is told of an agent that was forked: how it ended, or that nobody could tell."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from oss_agent.testing import daemon
from tests.lab.births import Born


@pytest.fixture
def keeper() -> tuple[socket.socket, socket.socket]:
    """Ours, and the end that an agent's keeper holds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_an_agent_that_ended_is_told_by_its_keeper_once(
    keeper: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    ours, theirs = keeper
    with theirs:
        born = Born(0, tmp_path / "log", ours)
        with pytest.raises(subprocess.TimeoutExpired):
            born.wait(0)
        assert born.poll() is None
        theirs.send(b"-9\n")
        assert (born.wait(300), born.poll()) == (-9, -9)


def test_an_agent_whose_keeper_was_ended_is_told_with_the_end_of_its_log(
    keeper: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    ours, theirs = keeper
    (tmp_path / "log").write_text("out of memory\n")
    theirs.close()
    born = Born(4711, tmp_path / "log", ours)
    with ours:
        for ask in (born.wait, born.poll, born.kill):
            with pytest.raises(daemon.NotReady, match=r"(?s)agent 4711: its keeper.*out of memory"):
                ask()
