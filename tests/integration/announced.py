"""Decides how a package is announced without installing it: what an installation would leave behind."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path


def installed(root: Path, name: str) -> dict[str, str]:
    """The environment in which the entry point of the package in ``root`` is found."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["oss_agent.drivers"]
    about = root / f"{name}-{project['version']}.dist-info"
    about.mkdir()
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    (about / "entry_points.txt").write_text(f"[oss_agent.drivers]\n{lines}")
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    return {**os.environ, "PYTHONPATH": str(root)}
