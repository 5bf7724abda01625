"""Decides where an installed layer of Debian packages lives and how it is laid over this machine's root.

The layer is an overlay upper directory: it must lie on a file system that can hold one, and a private root stacks on
it `direct` (another file system than /) or `nested` (the same one); see root/base.sh. Which of the two is found by
trying, because overlayfs alone knows.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.commands import attempt, run
from lab.errors import LabUnavailable

Shape = Literal["plain", "direct", "nested"]

_TMPFS = Path("/run/oss-agent-lab/layers")
_ROOM = 1_500_000_000  # bytes; the packages unpack to some 300 MB, the caches of apt come on top
_TRY_UPPER = 'mount -t overlay -o "index=off,lowerdir=/,upperdir=$1/u,workdir=$1/w" t "$1/m"'
_TRY_DIRECT = 'mount -t overlay -o "ro,lowerdir=$1/u:/" t "$1/m"'


@dataclass(frozen=True, slots=True)
class Layer:
    """One installed layer; `shape` says how it stacks on /."""

    path: Path
    shape: Shape

    @property
    def upper(self) -> Path:
        """The packages' files."""
        return self.path / "upper"

    def find(self, program: str) -> Path | None:
        """Return where a program of the layer, or else of the machine, is (as seen inside a private root)."""
        for folder in ("usr/sbin", "usr/bin", "sbin", "bin"):
            if (self.upper / folder / program).exists() or Path("/", folder, program).exists():
                return Path("/", folder, program)
        return None


def key(packages: Sequence[str], release: str, architecture: str) -> str:
    """Name a layer by what is in it, so a changed list is a new layer."""
    digest = hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()[:12]
    return f"{release}-{architecture}-{digest}"


def cache_home(env: Mapping[str, str]) -> Path:
    """Return the cache directory the machine's owner chose, or the usual one."""
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oss-agent" / "lab"


def places(env: Mapping[str, str]) -> list[Path]:
    """List where layers may be, the best place first."""
    shared_memory = Path("/dev/shm/oss-agent-lab")  # noqa: S108 - room for 300 MB, made mode 700
    return [cache_home(env), shared_memory, _TMPFS]


def home(env: Mapping[str, str]) -> Path:
    """Return a directory that can hold an overlay upper layer: the cache, or else a tmpfs."""
    for place in places(env):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _roomy(place) and _mounts(place, _TRY_UPPER):
            return place
    run(["mount", "-t", "tmpfs", "-o", "mode=700,size=2g", "oss-agent-lab", str(_TMPFS)])
    if _mounts(_TMPFS, _TRY_UPPER):
        return _TMPFS
    raise LabUnavailable(
        "overlay file systems cannot be mounted here (kernel without overlay, or not allowed)"
    )


def shape_of(place: Path) -> Shape:
    """Find by trying how a layer kept in `place` stacks on /."""
    return "direct" if _mounts(place, _TRY_DIRECT) else "nested"


def _roomy(place: Path) -> bool:
    room = os.statvfs(place)
    return room.f_bavail * room.f_frsize > _ROOM


def _mounts(place: Path, attempt_script: str) -> bool:
    with tempfile.TemporaryDirectory(dir=place, prefix="try-") as scratch:
        for name in "uwm":
            Path(scratch, name).mkdir()
        script = f"mount --make-rprivate / && {attempt_script}"
        return attempt(["unshare", "--mount", "sh", "-c", script, "sh", scratch]).returncode == 0
