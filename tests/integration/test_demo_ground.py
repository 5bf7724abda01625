"""What a killed demonstration left is removed by its mark; what belongs to others is not touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import errors, processes
from lab.demo import ground

RUN = """
import pathlib, subprocess, sys
from lab.demo import ground
with ground.held(pathlib.Path("place"), print):
    child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    child.wait()
"""


def start(where: Path) -> tuple[subprocess.Popen[str], int]:
    """A demonstration with one process of its own, and that process's id."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=where, env=env, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    return run, int(run.stdout.readline())


def test_the_next_run_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stranger = subprocess.Popen(["sleep", "600"])
    run, left = start(tmp_path)
    said: list[str] = []
    try:
        with pytest.raises(errors.LabBusy, match=r"another demo runs in \./place"):
            ground.held(Path("place"), said.append).__enter__()
        assert processes.alive(left)

        run.send_signal(signal.SIGKILL)
        run.wait()
        (tmp_path / "place" / "old").mkdir()
        with ground.held(Path("place"), said.append):
            assert not processes.alive(left)
            assert processes.alive(stranger.pid)
            assert list((tmp_path / "place").iterdir()) == []
        assert said == ["1 processes of a demo that was killed"]
    finally:
        processes.kill([left, run.pid, stranger.pid])
        stranger.wait()
        run.wait()
        assert run.stdout is not None
        run.stdout.close()


def test_a_dry_run_needs_no_environment_and_says_what_would_come() -> None:
    checkout = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "lab.demo.would_install"],  # -S: no installed package
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "the locked packages of uv.lock" in done.stdout
    assert "netconfd" in done.stdout or "simulated devices" in done.stdout
