"""What keeps the daemon from starting is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def start(data: Path, **more: str) -> tuple[int, str]:
    """Exit code and last line of a daemon that must not come up."""
    env = {**os.environ, "OSS_AGENT_DATA": str(data), "OSS_AGENT_HTTP__PORT": "0", **more}
    argv = [sys.executable, "-m", "oss_agent", "run"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr.splitlines()[-1]


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("")

    code, words = start(data)

    assert code == 2
    assert f"data {data}: File exists; name a directory" in words


@pytest.mark.parametrize("url", ["", "postgresql+psycopg://u:secret@127.0.0.1:1/x"])
def test_a_database_that_is_none_or_away(tmp_path: Path, url: str) -> None:
    (tmp_path / "oss-agent.db").write_text("garbage, not a database at all")

    code, words = start(tmp_path, OSS_AGENT_STORE__URL=url)

    assert code == 1
    assert words.endswith("correct data or store.url, then start again")
    assert "secret" not in words
