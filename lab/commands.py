"""Decides how the lab runs other programs: as lists, with a deadline, failures in their own words."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from lab.errors import CommandFailed


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    within: float = 60.0,
    keep: Sequence[int] = (),
) -> str:
    """Run to the end and return what it printed; a bad end raises CommandFailed.

    `keep` are descriptors the program keeps open, a lock it must hold to its own end.
    """
    done = attempt(argv, stdin=stdin, env=env, within=within, keep=keep)
    if done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def attempt(
    argv: Sequence[str],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    within: float = 60.0,
    keep: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run to the end and return the outcome, good or bad."""
    try:
        return subprocess.run(
            list(argv),
            input=stdin,
            env=None if env is None else dict(env),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
            pass_fds=tuple(keep),
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(list(argv), 127, "", f"{argv[0]} is not installed")
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(argv, 124, f"no end within {late.timeout:.0f} s") from late
