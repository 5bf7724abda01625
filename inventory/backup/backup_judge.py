"""Decides which texts are believed, and what of a device's configurations a person should look at. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from inventory.backup import backup_difference
from inventory.backup.backup_rows import Place
from inventory.rows.cases import Case
from inventory.words.hostile_text import printable
from oss_agent.spi.backups import Part
from oss_agent.spi.device import Datastore

WORDS: Final[tuple[str, ...]] = (
    "unreachable",
    "busy",
    "refused",
    "failed",
    "incomplete",
    "too_large",
    "held",
)
"""Why a look was no good one; metrics count by them."""
UNSAVED: Final = "unsaved-configuration"
OVERDUE: Final = "backup-overdue"
KINDS: Final = (UNSAVED, OVERDUE)
_LONGEST: Final = 300
_SMALL: Final = 512
"""Bytes up to which half of it missing says nothing: a few lines."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a look is no good one: a stable word, and a sentence for people."""

    word: str
    reason: str


def sentence(text: str) -> str:
    """What a device, or a library about it, said, as one bounded line."""
    return printable(text.encode("utf-8", "replace"), _LONGEST)


def place_of(device: str, part: Part) -> Place:
    """Where a part is kept."""
    return Place(device, part.store, part.datastore.value)


def refused(part: Part, most: int) -> Trouble | None:
    """Why a text is not believed; None when nothing speaks against it."""
    name = f"{part.store} {part.datastore.value}"
    if part.whole.lacks:
        return Trouble("incomplete", f"{name} is not whole: {sentence(part.whole.lacks)}")
    size = len(part.whole.text.encode("utf-8", "replace"))
    if size > most:
        return Trouble(
            "too_large",
            f"{name} has {size} bytes, and backup.most_bytes is {most}: raise it if that is right",
        )
    return None


def shrunk(device: str, parts: Sequence[Part], sizes: Mapping[Place, int]) -> bool:
    """Is less than half left of anything? It is read a second time before that is believed."""
    for part in parts:
        before = sizes.get(place_of(device, part), 0)
        if before > _SMALL and len(part.whole.text.encode("utf-8", "replace")) * 2 < before:
            return True
    return False


def pairs(parts: Sequence[Part]) -> list[tuple[Part, Part]]:
    """Running and startup of each store that has both."""
    by = {(part.store, part.datastore): part for part in parts}
    return [
        (running, by[store, Datastore.STARTUP])
        for (store, datastore), running in by.items()
        if datastore is Datastore.RUNNING and (store, Datastore.STARTUP) in by
    ]


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A store whose running configuration a restart would lose; digests of both."""

    place: Place
    running: str
    startup: str
    lines: str


def unsaved(found: Unsaved, since: datetime) -> Case:
    """The case of it."""
    device, store = found.place.device, found.place.store
    # Sixteen bits tell two states apart; with a whole digest secrets could be guessed.
    mark = hashlib.sha256(f"{found.running} {found.startup}".encode()).hexdigest()[:4]
    return Case(
        device,
        device,
        UNSAVED,
        f"{store} #{mark}",
        f"the running configuration ({store}) is not saved since {since:%Y-%m-%dT%H:%M:%SZ}: "
        f"{found.lines}, and a restart would undo that",
        "somebody changed it and did not save it; orders of ours save what they change",
        f"see 'oss-agent backup diff {device} --unsaved'; save it on the device if it is right, "
        "take it back there if not",
    )


def lines(running: str, startup: str) -> str:
    """How much differs, in words."""
    more, less = backup_difference.counted(startup, running)
    return f"{more} lines more, {less} lines less"


def overdue(
    device: str, trouble: Trouble, last: datetime | None, since: datetime, limit: timedelta
) -> Case:
    """The case of a device that has had no good backup for longer than ``limit``."""
    known = f"the last is of {last:%Y-%m-%dT%H:%M:%SZ}" if last else "there is none"
    return Case(
        device,
        device,
        OVERDUE,
        trouble.word,
        f"no good backup for more than {_span(limit)} ({known}; waited for since "
        f"{since:%Y-%m-%dT%H:%M:%SZ}): {trouble.reason}",
        _CAUSES.get(trouble.word, ""),
        f"mend that, then 'oss-agent backup take {device}'",
    )


_CAUSES: Final = {
    "unreachable": "the device or the way to it is down",
    "refused": "its login or host key is not right any more, or it does not let us read",
    "incomplete": "the device cuts its answer off, or its platform's data do not know how it ends",
    "too_large": "the configuration is larger than is kept",
    "held": "an order has it in work all the time, or waits for a person",
}


def _span(limit: timedelta) -> str:
    hours = limit.total_seconds() / 3600
    return f"{hours:g} hours" if hours >= 1 else f"{limit.total_seconds():g} s"
