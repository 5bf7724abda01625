"""``scripts/demo --dry-run``: says what the demonstration would install, and installs nothing.

Standard library only: it runs before there is an environment to run in.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import install
from lab.demo.narrator import Narrator, to_stdout
from lab.errors import LabUnavailable


def main() -> None:
    """Say it, for this machine."""
    tell = to_stdout()
    if shutil.which("uv") is None:
        tell.line("uv", "from the package index, into ~/.cache/oss-agent/uv")
    there = " (there already)" if Path(".venv").exists() else ""
    tell.line("python", f"the locked packages of uv.lock, into .venv{there}")
    _say_packages(tell)


def _say_packages(tell: Narrator) -> None:
    try:
        install.refuse_impossible()
        tell.line("lab", "Debian packages, into a cached layer and never into this machine:")
        tell.more(" ".join(install.wanted(("lab",))))
    except LabUnavailable as reason:
        tell.line("lab", f"nothing: {reason}. The story would run on simulated devices")


if __name__ == "__main__":
    main()
