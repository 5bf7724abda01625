"""A disk that loses its power: an ext4 file system in a file, of which a cut leaves what was synced.

What a program wrote and did not sync is in the kernel's memory above the loop device, not in the
file below it. A copy of that file, mounted in its place, is the disk as a machine finds it when
the power is back; ``kill -9`` alone never shows this, for the page cache outlives it.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import commands
from lab.errors import LabUnavailable

_SIZE = 96 * 2**20
_OPTIONS = "loop,data=writeback,commit=300"
"""By default one file's fsync carries other files' data to disk, and the journal goes there every 5 s:
both would hide a sync that was forgotten."""


class Disk:
    """A disk that is mounted at ``at`` and can be cut off."""

    def __init__(self, images: Path, at: Path) -> None:
        self._images = images
        self._at = at
        self._numbers = itertools.count()
        self._image = self._next()

    def _next(self) -> Path:
        return self._images / f"disk{next(self._numbers)}.img"

    def make(self) -> None:
        """An empty file system, mounted."""
        with self._image.open("wb") as file:
            file.truncate(_SIZE)
        commands.run(["mkfs.ext4", "-q", "-F", str(self._image)])
        self._mount()

    def cut(self) -> None:
        """Whoever wrote here is dead: what he did not sync is gone, and the power is back."""
        lost, self._image = self._image, self._next()
        shutil.copyfile(lost, self._image)
        self.leave()
        lost.unlink()
        self._mount()

    def leave(self) -> None:
        """Unmount; whoever still reads the old file system reads on."""
        commands.run(["umount", "--lazy", str(self._at)])

    def _mount(self) -> None:
        commands.run(["mount", "-t", "ext4", "-o", _OPTIONS, str(self._image), str(self._at)])


@contextmanager
def disk(place: Path, at: Path) -> Iterator[Disk]:
    """A disk mounted at ``at``; its images are kept in ``place``. LabUnavailable without root."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        raise LabUnavailable("a power cut needs root and loop devices")
    place.mkdir(parents=True, exist_ok=True)
    at.mkdir(parents=True, exist_ok=True)
    made = Disk(place, at)
    made.make()
    try:
        yield made
    finally:
        made.leave()
