"""Decides what a look at a device's parts writes, and which swaps a person hears of.

A part is its place: a card that is swapped is another serial number in the same place, a new version
of the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from inventory.facts import facts
from inventory.rows import cases, history, tables

KINDS: Final = ("part-swapped",)
_C = tables.components.c


def current(connection: sa.Connection, device: str) -> Sequence[sa.RowMapping]:
    """The parts of a device now."""
    query = sa.select(tables.components).where(
        history.current(tables.components), _C.device == device
    )
    return connection.execute(query).mappings().all()


def swaps(
    connection: sa.Connection, device: str, seen: Sequence[facts.ComponentFact]
) -> tuple[cases.Case, ...]:
    """Parts with another serial number than before, and those that nobody accepted yet."""
    there = {part.place: part for part in seen}
    before = {row["place"]: row["serial"] for row in current(connection, device) if row["serial"]}
    new = [
        _swapped(device, part, before[place])
        for place, part in there.items()
        if part.serial and before.get(place, part.serial) != part.serial
    ]
    subjects = {_subject(device, part.place): part.serial for part in seen}
    still = [
        case
        for case in cases.unaccepted(connection, device, "part-swapped")
        if case.subject in subjects and case.evidence.endswith(f" {subjects[case.subject]} now")
    ]
    return (*new, *still)


def _swapped(device: str, part: facts.ComponentFact, before: str) -> cases.Case:
    what = f"{part.kind} {part.name or part.place}"
    return cases.Case(
        device=device,
        subject=_subject(device, part.place),
        kind="part-swapped",
        evidence=f"serial {before} before, {part.serial} now",
        text=f"{what} of {device} has serial number {part.serial}, it was {before}",
        cause="the part was replaced",
        action="accept the case; the ports in it are the same as before",
    )


def _subject(device: str, place: str) -> str:
    return f"{device}~{place}"
