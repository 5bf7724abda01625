"""A daemon of a router that falls: started again, and not for ever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import lab.node

KEPT = Path(lab.node.__file__).parent / "kept.sh"
SCRIPT = """
. "$1"
falls() {
    echo x >>"$2/starts"
    [ "$(wc -l <"$2/starts")" -ge 3 ] && return 4
    bash -c 'kill -SEGV $$'
}
kept box falls "$@"
"""
REFUSING = """
. "$1"
kept box bash -c 'echo "Error: load startup config failed" >>"$0/box.log"; exit 255' "$2"
"""


def kept(script: str, log: Path) -> list[str]:
    """What its keeper tells of a daemon, without the times."""
    environment = {"PATH": "/usr/bin:/bin", "LAB_KEPT_LOG": str(log), "LAB_KEPT_PAUSE": "0"}
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(KEPT), str(log.parent)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert b"invalid signal" not in done.stderr
    return [line.split(" ", 2)[2] for line in log.read_text().splitlines()]


def test_what_falls_is_started_again_until_it_fell_five_times_within_a_minute(
    tmp_path: Path,
) -> None:
    log = tmp_path / "kept.log"
    told = kept(SCRIPT, log)
    assert told[:2] == ["box fell (SEGV): started again"] * 2
    assert told[2:4] == ["box ended with 4: started again"] * 2
    assert told[4].startswith("box ended with 4, five times within a minute: it stays down")
    assert told[4].endswith(f"mend what {tmp_path}/box.log tells of, then start the node anew")
    assert len(told) == 5
    assert (tmp_path / "starts").read_text().count("x") == 5


@pytest.mark.parametrize("code", [128, 221, 255])
def test_a_code_of_its_own_is_no_signal_and_its_last_error_is_told(
    tmp_path: Path, code: int
) -> None:
    """Codes like these are netconfd's over a startup file that it cannot read."""
    told = kept(REFUSING.replace("255", str(code)), tmp_path / "kept.log")
    assert told[:4] == [f"box ended with {code}: started again"] * 4
    assert told[4] == (
        f"box ended with {code}, five times within a minute: it stays down; its last error: "
        f'"Error: load startup config failed"; mend what {tmp_path}/box.log tells of, then start the '
        "node anew"
    )
