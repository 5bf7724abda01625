"""Decides where promtool, Prometheus's own judge of metric pages and rules, comes from."""

from __future__ import annotations

from lab import install
from lab.commands import attempt


def promtool(arguments: list[str], *, stdin: str = "") -> tuple[int, str]:
    """Run promtool, this machine's or the layer's, and return its exit code and all it said."""
    program = install.machine_program("promtool")
    if program is None:
        program = install.ensure(("tests",)).upper / "usr/bin/promtool"  # a static binary
    done = attempt([str(program), *arguments], stdin=stdin)
    return done.returncode, done.stdout + done.stderr
