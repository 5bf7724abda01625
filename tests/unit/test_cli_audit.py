"""``oss-agent audit list`` against a real HTTP listener that plays the daemon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_ENTRY = {
    "number": 7,
    "at": "2026-11-22T03:12:00.000Z",
    "by": "oss-agent",
    "action": "start",
    "subject": "settings",
    "detail": {"changed": ["snmp.poll_interval"], "marks": {"snmp.poll_interval": "a3f1"}},
}


def test_what_was_asked_for_goes_to_the_daemon_and_marks_are_for_it_alone(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    path = "GET /api/v1/audit?since=2h+ago&subject=pe1&limit=1&offset=0"
    daemon.answers[path] = (200, [_ENTRY])
    daemon.answers["GET /api/v1/audit?by=nobody&limit=100&offset=0"] = (200, [])

    assert run("audit", "list", "--since", "2h ago", "--subject", "pe1", "--limit", "1") == 0
    said = capsys.readouterr().out
    assert "snmp.poll_interval" in said
    assert "2026-11-22T03:12:00Z" in said
    assert "a3f1" not in said
    assert "--offset 1" in said
    assert run("audit", "list", "--by", "nobody") == 0
    assert "nothing like that" in capsys.readouterr().out
