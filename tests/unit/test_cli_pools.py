"""``oss-agent pool`` against a real HTTP listener that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_POOL: dict[str, Any] = {
    "name": "core-vni",
    "kind": "vni",
    "gives": "10100 to 10199",
    "size": 100,
    "held": 40,
    "reserved": 1,
    "resting": 2,
    "free": 57,
    "used": 0.43,
    "quarantine": 300.0,
    "unseen": 86400.0,
    "short": "it will be full in 9 days",
}
_SOON = {"days": 28.5, "per_day": 2.0, "over_days": 40.0, "why": "2.00 more held a day"}
_NONE = {"days": None, "per_day": None, "over_days": 1.0, "why": "no forecast: 3 claims"}
_CLAIM = {"value": "10100", "state": "resting", "key": "svc.vni", "why": "rests\x1b[2J until"}


@pytest.mark.parametrize(
    ("words", "path", "answer", "shown"),
    [
        (
            ("list",),
            "",
            [{**_POOL, "forecast": None}],
            ["10100 to 10199", "43.0 %", "57", "full in 9"],
        ),
        (("show", "core-vni"), "/core-vni", {**_POOL, "forecast": _SOON}, ["28.5", "quarantine"]),
        (("claims", "core-vni"), "/core-vni/claims", [_CLAIM], ["svc.vni", "rests [2J until"]),
        (("claims", "core-vni"), "/core-vni/claims", [], ["all of core-vni is free"]),
        (("forecast",), "/forecast", [{**_POOL, "forecast": _NONE}], ["no forecast: 3 claims"]),
    ],
)
def test_what_is_left_is_shown(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    path: str,
    answer: Any,
    shown: list[str],
) -> None:
    daemon.answers[f"GET /api/v1/pools{path}"] = (200, answer)
    assert run("pool", *words) == 0
    said = capsys.readouterr().out
    assert [part for part in shown if part not in said] == []
    assert "\x1b[2J" not in said


def test_a_value_is_reserved_for_as_long_as_said(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"value": "203.0.113.0/29", "until": "2026-11-28T10:00:00.000Z"}
    daemon.answers["POST /api/v1/pools/blocks/reservations"] = (200, made)
    assert run("pool", "reserve", "blocks", "acme", "--value", "/29", "--for", "7d") == 0
    assert daemon.seen[-1][1] == {"key": "acme", "value": "/29", "seconds": 604_800.0}
    assert "203.0.113.0/29 of blocks is reserved for acme" in capsys.readouterr().out


@pytest.mark.parametrize("time", ["7", "d", "-1d", "1y", "\u0661d", "9999999d"])
def test_a_time_that_is_none_is_refused_before_anything_is_sent(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    time: str,
) -> None:
    assert run("pool", "reserve", "blocks", "acme", f"--for={time}") == 2
    assert daemon.seen == []
    assert "like 7d" in capsys.readouterr().err
