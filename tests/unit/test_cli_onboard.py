"""``oss-agent onboard`` against a real HTTP listener that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_ROW = {
    "address": "192.0.2.1",
    "outcome": "created",
    "device": "at-192.0.2.1",
    "os": "IOS\x1b[2J",
    "managed": False,
    "fingerprints": ["SHA256:abc"],
    "reason": "no driver for IOS",
}


def test_targets_and_the_lines_of_files_are_asked(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("OSS_AGENT_DEVICE_PASSWORD", "s3cret")
    file = tmp_path / "routers.txt"
    file.write_text("192.0.2.1 # north\n\n# all of it\n198.51.100.0/24\n")
    daemon.answers["POST /api/v1/onboard"] = (200, [_ROW])
    assert run("onboard", "192.0.2.9", str(file), "--user", "admin") == 0
    assert daemon.seen[-1][1] == {
        "targets": ["192.0.2.9", "192.0.2.1", "198.51.100.0/24"],
        "username": "admin",
        "password": "s3cret",
        "community": None,
        "platform": "",
    }
    said = capsys.readouterr().out
    assert "SHA256:abc" in said
    assert "\x1b[2J" not in said
    assert "s3cret" not in said


def test_where_nothing_answers_the_exit_code_says_so(
    daemon: type[test_cli.Daemon], run: Callable[..., int]
) -> None:
    silent = {"address": "192.0.2.1", "outcome": "silent", "reason": "nothing answers"}
    daemon.answers["POST /api/v1/onboard"] = (200, [silent])
    assert run("onboard", "192.0.2.1") == 1


def test_a_file_that_is_no_text_is_named(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "routers.txt"
    file.write_bytes(b"\xff\xfe\x00")
    assert run("onboard", str(file)) == 2
    assert "cannot be read" in capsys.readouterr().err
