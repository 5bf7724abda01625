"""Decides whether the files of the catalogue fit together, and loads them all.

Files come from folders, each with ``services``, ``resources`` and ``offerings`` in it: the shipped
one, and the operator's own. One id and version may stand in one of them only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from oss_agent.catalog import files, offering, orderable, reading, resource, specification

KINDS = ("services", "resources", "offerings")


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything the catalogue has, each kind sorted by id and version."""

    services: tuple[specification.Specification, ...]
    resources: tuple[resource.Resource, ...]
    offerings: tuple[offering.Offering, ...]

    @property
    def ordered(self) -> tuple[specification.Specification, ...]:
        """How those resources are built that an operator may order by themselves."""
        return orderable.of(self.resources)


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
    unseen = tuple(_unseen(folders))
    if unseen:
        return Checked(Collection((), (), ()), unseen)
    services, parts, products = (
        files.read([one / KINDS[0] for one in folders], specification.Specification),
        files.read([one / KINDS[1] for one in folders], resource.Resource),
        files.read([one / KINDS[2] for one in folders], offering.Offering),
    )
    found = Collection(services.forms, parts.forms, products.forms)
    alone = (*_empty(folders), *services.mistakes, *parts.mistakes, *products.mistakes)
    if alone:  # what could not be read would be called missing by all that name it
        return Checked(found, alone)
    return Checked(found, (*_misfits(services.found, found), *_unfit(products.found, found)))


def _unseen(folders: Sequence[Traversable]) -> Iterator[reading.Mistake]:
    """Folders that cannot be looked into, for whatever reason the system has."""
    for folder in folders:
        try:
            for kind in KINDS:
                files.listed(folder / kind)
        except OSError as bad:
            why = f"it cannot be looked into: {bad.strerror or bad}: let the daemon's user read it"
            yield reading.Mistake(str(folder), 1, "", why)


def _empty(folders: Sequence[Traversable]) -> Iterator[reading.Mistake]:
    """A folder named wrongly would be silence: nothing in it is wrong."""
    for folder in folders:
        if not any((folder / kind).is_dir() for kind in KINDS):
            what = f"no folder with {', '.join(KINDS)} in it: name another, or make one of them"
            yield reading.Mistake(str(folder), 1, "", what)


def _misfits(
    services: Sequence[reading.Read[specification.Specification]], found: Collection
) -> Iterator[reading.Mistake]:
    known = {(one.id, one.version): one for one in found.resources}
    for read in services:
        for place, _, rule in read.form.rules:
            for where, what in resource.misfits(rule, place, known):
                yield read.mistake(where, what)


def _unfit(
    products: Sequence[reading.Read[offering.Offering]], found: Collection
) -> Iterator[reading.Mistake]:
    services = {(one.id, one.version): one for one in found.services}
    parts = {(one.id, one.version): one for one in found.resources}
    for read in products:
        for where, what in offering.misfits(read.form, services, parts):
            yield read.mistake(where, what)
