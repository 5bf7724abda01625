"""Benchmarks are not run with the tests; they must be there to run, and be listed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = sorted(file.stem for file in (ROOT / "tests" / "bench").glob("bench_*.py"))


def test_every_benchmark_can_be_loaded() -> None:
    # In a process of their own: the opponents they load warn of what they import.
    loading = "; ".join(f"from tests.bench.{name} import measure" for name in NAMES)
    command = [sys.executable, "-W", "ignore", "-c", loading]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert loaded.returncode == 0, loaded.stderr


def test_every_benchmark_is_listed_with_what_it_measures() -> None:
    command = [str(ROOT / "scripts" / "bench"), "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    told = dict(line.split(maxsplit=1) for line in listed.splitlines())
    assert [f"bench_{name}" for name in told] == NAMES
    assert all(len(words) > 20 for words in told.values())
