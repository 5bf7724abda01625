"""Decides whether the files of the catalogue fit together, and loads them all.

Files come from folders, each with ``services`` and ``resources`` in it: the shipped one,
and the operator's own. One id and version may stand in one of them only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from oss_agent.catalog import files, reading, resource, specification


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything the catalogue has, each kind sorted by id and version."""

    services: tuple[specification.Specification, ...]
    resources: tuple[resource.Resource, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read, and every mistake in it. What has a mistake in itself is not in ``found``."""

    found: Collection
    mistakes: tuple[reading.Mistake, ...]


def shipped() -> Traversable:
    """The folder that comes with the program."""
    return resources.files("oss_agent.catalog") / "shipped"


def load(*own: Traversable) -> Collection:
    """The shipped catalogue with those of ``own`` folders. ConfigurationError tells every mistake."""
    checked = check(shipped(), *own)
    files.refuse(checked.mistakes)
    return checked.found


def check(*folders: Traversable) -> Checked:
    """Read every file and say all that is wrong, also of one file beside another."""
    services = files.read([one / "services" for one in folders], specification.Specification)
    parts = files.read([one / "resources" for one in folders], resource.Resource)
    found = Collection(services.forms, parts.forms)
    beside = tuple(_misfits(services.found, found))
    return Checked(found, (*services.mistakes, *parts.mistakes, *beside))


def _misfits(
    services: Sequence[reading.Read[specification.Specification]], found: Collection
) -> Iterator[reading.Mistake]:
    known = {(one.id, one.version): one for one in found.resources}
    for read in services:
        for place, _, rule in read.form.rules:
            for where, what in resource.misfits(rule, place, known):
                yield read.mistake(where, what)
