"""A daemon of a router that falls: started again, and not for ever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import lab.node

KEPT = Path(lab.node.__file__).parent / "kept.sh"
SCRIPT = """
. "$1"
falls() {
    echo x >>"$2/starts"
    [ "$(wc -l <"$2/starts")" -ge 3 ] && return 4
    bash -c 'kill -SEGV $$'
}
kept box falls "$@" 2>/dev/null
"""


def test_what_falls_is_started_again_until_it_fell_five_times_within_a_minute(
    tmp_path: Path,
) -> None:
    log = tmp_path / "kept.log"
    environment = {"PATH": "/usr/bin:/bin", "LAB_KEPT_LOG": str(log), "LAB_KEPT_PAUSE": "0"}
    subprocess.run(
        ["bash", "-c", SCRIPT, "bash", str(KEPT), str(tmp_path)],
        env=environment,
        check=True,
        timeout=300,
    )
    told = [line.split(" ", 2)[2] for line in log.read_text().splitlines()]
    assert told[:2] == ["box fell (SEGV): started again"] * 2
    assert told[2:4] == ["box ended with 4: started again"] * 2
    assert told[4].startswith("box ended with 4, five times within a minute: it stays down")
    assert len(told) == 5
    assert (tmp_path / "starts").read_text().count("x") == 5
