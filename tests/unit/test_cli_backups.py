"""``oss-agent backup`` against a real HTTP listener that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_ROOT = "/api/v1/backups"
_VIEW: dict[str, Any] = {
    "device": "pe1",
    "store": "cli",
    "datastore": "running",
    "version": 2,
    "since": "2026-11-22T03:12:00Z",
    "until": None,
    "size": 812,
    "orders": ["17"],
    "cause": "an order of ours ended on it",
    "looked_at": "2026-11-22T04:12:00Z",
    "trouble": "",
}
_DIFF = "--- a\n+++ b\n@@ -1 +1 @@\n-hostname a\n+hostname \x1b[2Jb\n"
_TAKEN = {"device": "pe1", "trouble": "", "reason": "", "changed": [_VIEW]}
_SEEN = {"older": _VIEW, "newer": _VIEW, "masked": True, "text": _DIFF}
_RUNNING = "datastore=running"


@pytest.mark.parametrize(
    ("words", "question", "answer", "code", "shown"),
    [
        (("list",), "GET ", [_VIEW], 0, ["17", "812", "2026-11-22T04:12:00Z"]),
        (("list",), "GET ", [], 0, ["no backups: oss-agent backup take DEVICE"]),
        (("list", "pe1", "--at", "03:12"), "GET ?device=pe1&at=03%3A12", [_VIEW], 0, ["812"]),
        (
            ("show", "pe1", "--version", "2", "--datastore", "startup"),
            "GET /pe1?datastore=startup&version=2",
            {"version": _VIEW, "text": "hostname \x1b[2Ja\nend\n", "masked": True},
            0,
            ["hostname  [2Ja\nend\n"],
        ),
        (
            ("show", "pe1", "--at", "2h ago", "--secrets", "--store", "cli"),
            "GET /pe1?datastore=running&store=cli&secrets=true&at=2h+ago",
            {"version": _VIEW, "text": "a\n", "masked": False},
            0,
            ["a\n"],
        ),
        (("diff", "pe1"), f"GET /pe1/diff?{_RUNNING}", _SEEN, 1, ["-hostname a\n+hostname  [2Jb"]),
        (
            ("diff", "pe1", "--from", "1", "--to", "2"),
            f"GET /pe1/diff?{_RUNNING}&from=1&to=2",
            {**_SEEN, "text": ""},
            0,
            [],
        ),
        (("diff", "pe1", "--unsaved"), f"GET /pe1/unsaved?{_RUNNING}", _SEEN, 1, ["+hostname"]),
        (("take", "pe1"), "POST /pe1/take", _TAKEN, 0, ["an order of ours ended on it"]),
        (("take", "pe1"), "POST /pe1/take", {**_TAKEN, "changed": []}, 0, ["nothing changed"]),
    ],
)
def test_commands(
    run: Callable[..., int],
    daemon: type[test_cli.Daemon],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    question: str,
    answer: Any,
    code: int,
    shown: list[str],
) -> None:
    method, _, rest = question.partition(" ")
    daemon.answers[f"{method} {_ROOT}{rest}"] = (200, answer)

    assert run("backup", *words) == code
    out = capsys.readouterr().out
    for piece in shown:
        assert piece in out


def test_the_running_configuration_is_looked_at_before_it_is_compared(
    run: Callable[..., int], daemon: type[test_cli.Daemon]
) -> None:
    daemon.answers[f"POST {_ROOT}/pe1/take"] = (200, _TAKEN)
    daemon.answers[f"GET {_ROOT}/pe1/diff?{_RUNNING}&from=1"] = (200, _SEEN)

    assert run("backup", "diff", "pe1", "--from", "1", "--to", "running now") == 1
    assert [asked for asked, _ in daemon.seen] == [
        f"POST {_ROOT}/pe1/take",
        f"GET {_ROOT}/pe1/diff?{_RUNNING}&from=1",
    ]


def test_a_look_that_was_not_believed_is_no_success(
    run: Callable[..., int], daemon: type[test_cli.Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {
        **_TAKEN,
        "trouble": "incomplete",
        "reason": "cli running is not whole",
        "changed": [],
    }
    daemon.answers[f"POST {_ROOT}/pe1/take"] = (200, refused)

    assert run("backup", "take", "pe1") == 3
    assert "no backup of pe1: cli running is not whole" in capsys.readouterr().err
    assert run("backup", "diff", "pe1", "--unsaved", "--to", "2") == 2
