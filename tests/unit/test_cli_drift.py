"""``oss-agent drift`` against a real HTTP listener that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_DIFFERENCE: dict[str, Any] = {
    "store": "netconf",
    "path": "/services/eline[name=acme]/vni",
    "kind": "drift-changed",
    "was": "10100",
    "now": "10177\x1b[2J",
    "services": ["s1-1"],
    "decision": "report",
    "mark": "",
    "whole": False,
    "who": "bob from 192.0.2.7",
}


def _told(**more: Any) -> dict[str, Any]:
    plain = {"device": "pe2", "at": "2026-11-22T15:00:00.000Z", "differences": []}
    return {**plain, "more": 0, "reason": "", **more}


@pytest.mark.parametrize(
    ("answer", "status", "shown"),
    [
        ([_told()], 0, ["as it was read back: pe2"]),
        (
            [_told(differences=[_DIFFERENCE], more=3)],
            1,
            ["10100", "eline", "3 more differences", "bob"],
        ),
        ([_told(reason="no session")], 1, ["pe2: not compared: no session"]),
        ([], 0, ["no configuration on any device"]),
    ],
)
def test_a_check_says_what_differs_and_its_exit_code_whether(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    answer: Any,
    status: int,
    shown: list[str],
) -> None:
    daemon.answers["POST /api/v1/drift/check"] = (200, answer)
    assert run("drift", "check", "pe2") == status
    said = capsys.readouterr().out
    assert [part for part in shown if part not in said] == []
    assert "\x1b[2J" not in said


def test_open_cases_of_drift_are_listed(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    row: dict[str, Any] = {
        "id": "c1",
        "kind": "drift-missing",
        "since": "2026-11-22",
        "text": "it is not there",
    }
    row |= {"owner": "acme", "state": "open", "actions": ["accept"]}
    kinds = "kind=drift-changed&kind=drift-missing&kind=drift-extra"
    daemon.answers[f"GET /api/v1/cases?{kinds}&device=pe2"] = (200, [row])
    assert run("drift", "list", "--device", "pe2") == 0
    assert "it is not there" in capsys.readouterr().out
