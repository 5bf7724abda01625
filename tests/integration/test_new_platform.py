"""A platform begun by the scaffold: a package that is announced, and whose own tests pass at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oss_agent.errors import ConfigurationError
from oss_agent.platforms import begin
from oss_agent.platforms.begin import Kind
from tests.integration import announced

# netmiko waits for ten seconds wherever an echo is missing; the suite runs over it elsewhere.
_SOME = {
    Kind.NETMIKO: [
        "-k",
        "live_and_read_back or refused_change or any_login or lost_reply or rung or announced",
    ]
}


def run(words: list[str], root: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: PLW1510 - the output tells more than the exception would
        [sys.executable, *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", Kind)
def test_its_tests_pass_at_once_and_the_scorecard_shows_it(kind: Kind, tmp_path: Path) -> None:
    name = f"acme_{kind}"
    begin.new(name, kind, tmp_path)
    root = tmp_path / name
    environment = announced.installed(root, name)

    junit = str(tmp_path / "junit.xml")
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", f"--junitxml={junit}"]
    said = run([*tests, *_SOME.get(kind, [])], root, environment)
    assert " passed" in said
    assert "skipped" not in said

    show = ["-m", "oss_agent", "drivers", "show", name, "--results", junit, "-o", "json"]
    card = json.loads(run(show, root, environment))
    assert card["problem"] == ""
    assert card["stores"][0]["rung"] != ""
    proofs = {one["rule"]: one["proof"] for one in card["rules"] if "proof" in one}
    assert proofs["pinned-host-key"] == "proven (2 tests)"
    assert "FAILED" not in str(proofs)


def test_a_broken_driver_fails_its_own_suite(tmp_path: Path) -> None:
    begin.new("acme_broken", Kind.LINES, tmp_path)
    root = tmp_path / "acme_broken"
    data = root / "acme_broken" / "models" / "acme_broken" / "platform.yaml"
    said = data.read_text()
    assert "enter: configure" in said
    data.write_text(said.replace("enter: configure", "enter: konfigure"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"],
        cwd=root,
        env=announced.installed(root, "acme_broken"),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 1
    assert "failed" in done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme", "lower-case"),
        ("acme-os", "lower-case"),
        ("acme__os", "lower-case"),
        ("../acme", "lower-case"),
        ("a" * 41, "at most 40"),
        ("class", "lower-case"),
        ("sim_cli", "already"),
        ("json", "hide a Python package"),
        ("there_is", "exists already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "there_is").mkdir()
    with pytest.raises(ConfigurationError, match=why):
        begin.new(name, Kind.LINES, tmp_path)

    assert [one.name for one in tmp_path.rglob("*")] == ["there_is"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        begin.new("acme_os", Kind.LINES, tmp_path / "file")


def test_the_table_tells_the_rung_of_every_store_without_a_daemon(tmp_path: Path) -> None:
    environment = {**os.environ, "OSS_AGENT_API": "http://127.0.0.1:1"}
    table = run(["-m", "oss_agent", "drivers"], tmp_path, environment)

    assert "running-config: commit timer" in table
    assert "netconf: confirmed commit with persist, vtysh: reversible lines" in table


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["show", "nobody"], "no driver for 'nobody'; there are: arista_eos"),
        (["--results", "missing.xml"], "is no JUnit file"),
        (["new", "Acme", "--kind", "lines"], "cannot be a platform"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_exit_code_2(
    tmp_path: Path, words: list[str], why: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "oss_agent", "drivers", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr
