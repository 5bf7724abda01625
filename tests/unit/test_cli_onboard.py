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
    ports = ("--ssh-port", "22", "--ssh-port", "2222")
    assert run("onboard", "192.0.2.9", *ports) == 0
    assert daemon.seen[-1][1]["ssh_ports"] == [22, 2222]
    assert "netconf_ports" not in daemon.seen[-1][1]
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


def test_a_target_that_is_refused_is_named_with_its_file_and_line(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "routers.txt"
    file.write_text("192.0.2.1\n\n# south\n192.0.2.300\n")
    said = {"reason": "'192.0.2.300' is no address", "field": "targets[2]"}
    daemon.answers["POST /api/v1/onboard"] = (400, said)
    assert run("onboard", "192.0.2.9", str(file)) == 3
    assert f"{file}:4: 400 '192.0.2.300' is no address" in capsys.readouterr().err
    daemon.answers["POST /api/v1/onboard"] = (400, said | {"field": "targets[0]"})
    assert run("onboard", "192.0.2.9", str(file)) == 3
    assert "routers.txt" not in capsys.readouterr().err


def test_what_neighbours_announce_is_listed_and_nobody_is_asked(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    leaf = {"name": "leaf\x1b[2J1", "vendor": "Arista", "os": "EOS", "version": "4.19.5M"}
    one = {"it": leaf, "addresses": ["192.0.2.7"], "heard": ["pe1:eth3"], "reason": ""}
    two = {"it": {"chassis": "x"}, "addresses": [], "heard": ["pe1:eth4"], "reason": "no address"}
    daemon.answers["GET /api/v1/onboard/neighbours"] = (200, [one, two])

    assert run("onboard", "--neighbours") == 0
    said = capsys.readouterr().out
    assert "Arista EOS 4.19.5M" in said
    assert "unknown system" in said
    assert "nobody was asked" in said
    assert "\x1b" not in said
    assert run("onboard") == 2
    assert "--neighbours" in capsys.readouterr().err

    daemon.answers["POST /api/v1/onboard"] = (200, [_ROW])
    assert run("onboard", "--neighbours", "10.0.0.0/8") == 0
    assert daemon.seen[-1][1]["targets"] == ["10.0.0.0/8"]
    assert daemon.seen[-1][1]["neighbours"] is True


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


def test_logins_come_from_a_file_that_names_files(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "noc.secret").write_text("s3cret\n")
    (tmp_path / "noc.secret").chmod(0o600)
    file = tmp_path / "logins.txt"
    file.write_text("# the usual one\nnoc admin noc.secret # first\n")
    row = {"device": "pe1", "outcome": "found", "login": "noc", "tried": ["noc"], "reason": ""}
    daemon.answers["POST /api/v1/logins"] = (200, [row])
    assert run("device", "login", "pe1", "--logins", str(file)) == 0
    login = {"name": "noc", "username": "admin", "password": "s3cret"}
    assert daemon.seen[-1][1] == {"devices": ["pe1"], "logins": [login]}
    assert "s3cret" not in capsys.readouterr().out
    daemon.answers["POST /api/v1/logins"] = (200, [row | {"outcome": "stopped"}])
    assert run("device", "login", "pe1", "--logins", str(file)) == 1
    (tmp_path / "noc.secret").chmod(0o644)
    assert run("device", "login", "pe1", "--logins", str(file)) == 2
    assert "can be read by others" in capsys.readouterr().err
    file.write_text("noc admin\n")
    assert run("device", "login", "pe1", "--logins", str(file)) == 2
    assert f"{file}:1: write NAME USER PASSWORD-FILE" in capsys.readouterr().err
    file.write_text("noc admin not-there\n")
    assert run("device", "login", "pe1", "--logins", str(file)) == 2
    assert run("device", "login", "pe1", "--logins", str(tmp_path / "absent")) == 2
