"""What a command prints may go nowhere, or to a reader that leaves: it ends in words, never in a traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest

from oss_agent import __main__ as program
from oss_agent import settings
from oss_agent.app import daemon as living
from oss_agent.cli import main
from tests.unit.test_cli import Daemon, daemon, run

__all__ = ["daemon", "run"]  # fixtures
ORDERS = "GET /tmf-api/serviceOrdering/v4/serviceOrder?sort=-orderDate&limit=50"


def typed(line: str) -> subprocess.CompletedProcess[str]:
    """A line as a shell takes it; ``oss-agent`` in it is ours."""
    words = line.replace("oss-agent", f"{shlex.quote(sys.executable)} -m oss_agent")
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OSS_AGENT_DATA": "/nowhere"},
    )


@pytest.fixture
def many(daemon: type[Daemon]) -> str:
    """The address of a daemon with more orders than a pipe holds."""
    order = {"id": "1", "state": "completed", "description": "x" * 4_000}
    daemon.answers[ORDERS] = (200, [order] * 200)
    return str(vars(daemon)["url"])


@pytest.mark.parametrize(
    ("where", "ends"),
    [
        (">&-", {0}),
        ("-o json >&- 2>&-", {0}),
        ("| head -1 >&2", {0, 1}),  # whether it notices depends on who is quicker
        (">/dev/full", {1}),
    ],
)
def test_a_list_that_nobody_reads(many: str, where: str, ends: set[int]) -> None:
    done = typed(f"oss-agent --api {many} order list {where}")

    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    assert done.returncode in ends
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "ends"),
    [("--version >&-", 0), ("check-config >&-", 0), ("catalog list >/dev/full", 1)],
)
def test_what_needs_no_daemon_and_nobody_reads(words: str, ends: int) -> None:
    done = typed(f"oss-agent {words}")

    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == ends
    assert ("cannot be written" in done.stderr) is bool(ends)


def test_a_refusal_that_nobody_reads_keeps_its_exit_code() -> None:
    done = typed("oss-agent --api http://127.0.0.1:1 order list >&- 2>&-")

    assert (done.returncode, done.stderr) == (4, "")


@pytest.mark.parametrize("bad", [BrokenPipeError(32, "Broken pipe"), OSError(5, "I/O error")])
def test_an_error_of_the_daemon_is_not_taken_for_one_of_the_screen(
    bad: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(_: settings.Settings) -> None:
        raise bad

    monkeypatch.setattr(living, "serve", serve)
    with pytest.raises(RuntimeError, match=str(bad.strerror)) as told:
        main.run(program.program(), ["run"])
    assert told.value.__cause__ is bad


def test_a_value_that_is_too_deep_is_refused(
    run: Callable[..., int],
    daemon: type[Daemon],
    capsys: pytest.CaptureFixture[str],
) -> None:
    characteristic = {"name": "sites", "value": 1}
    item = {"id": "1", "service": {"serviceCharacteristic": [characteristic]}}
    path = "GET /tmf-api/serviceOrdering/v4/serviceOrder/17"
    daemon.answers[path] = (200, {"id": "17", "serviceOrderItem": [item]})

    assert run("order", "amend", "17", "--set", "sites=" + "[" * 5_000) == 2
    assert "the value cannot be read" in capsys.readouterr().err
