"""Decides what a folder of catalogue files has: each id and version once, the oldest version first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

from oss_agent import errors
from oss_agent.catalog import forms, reading

Kind = TypeVar("Kind", bound=forms.Entry)


@dataclass(frozen=True, slots=True)
class Folder(Generic[Kind]):
    """What was read, sorted by id and version, and what is wrong."""

    found: tuple[reading.Read[Kind], ...]
    mistakes: tuple[reading.Mistake, ...]

    @property
    def forms(self) -> tuple[Kind, ...]:
        """What the files say."""
        return tuple(one.form for one in self.found)


def read(folders: Sequence[Traversable], kind: type[Kind]) -> Folder[Kind]:
    """Every ``.yaml`` file of the folders; nothing where there is no such folder."""
    good: list[reading.Read[Kind]] = []
    bad: list[reading.Mistake] = []
    for file in itertools.chain.from_iterable(map(listed, folders)):
        match reading.read(file, kind):
            case reading.Read() as one:
                good.append(one)
            case mistakes:
                bad.extend(mistakes)
    good.sort(key=lambda one: (one.form.id, version_key(one.form.version)))
    return Folder(tuple(good), (*bad, *_twice(good)))


def listed(folder: Traversable) -> list[Traversable]:
    """The files of a folder, none where there is no such folder; OSError when it may not be read."""
    if not folder.is_dir():
        return []
    named = (file for file in folder.iterdir() if file.name.endswith(".yaml"))
    return sorted(named, key=lambda file: file.name)


def _twice(found: list[reading.Read[Kind]]) -> Iterator[reading.Mistake]:
    first: dict[tuple[str, str], str] = {}
    for one in found:
        key = (one.form.id, one.form.version)
        if key in first:
            what = f"{' '.join(key)} is there twice, also in {first[key]}: remove one, or number it anew"
            yield one.mistake(("version",), what)
        first.setdefault(key, one.file)


def load(folder: Traversable, kind: type[Kind]) -> tuple[Kind, ...]:
    """What a folder has, when nothing is wrong. ConfigurationError tells every mistake."""
    found = read([folder], kind)
    refuse(found.mistakes)
    return found.forms


def refuse(mistakes: tuple[reading.Mistake, ...]) -> None:
    """ConfigurationError with every mistake; nothing when there is none."""
    if mistakes:
        raise errors.ConfigurationError(
            "the catalogue is wrong: " + "; ".join(str(one) for one in mistakes)
        )


def version_key(version: str) -> tuple[int, ...]:
    """``1.10`` comes after ``1.9``."""
    return tuple(int(part) for part in version.split("."))


def age(one: forms.Entry) -> tuple[bool, tuple[int, ...]]:
    """Sorts the versions of one id: what a sender gets who names none is the last."""
    return one.status == "active", version_key(one.version)
