"""What the checker is given: rows, devices' own logs, billing's log and the sender's, as plain JSON.

Nothing here was computed by the agent for the occasion: tables as they are on disk, devices and
billing as processes of their own remember it, the sender's log of what it was promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Device:
    """One device: ``log`` as ``testing.simulated.history`` writes it, running as lines of paths.

    ``foreign`` are the lines that were there before the agent came, or were made by hand.
    ``pending`` is whether a confirmed commit still waits; ``startup`` is None where the device has
    no such datastore.
    """

    log: Sequence[Row]
    running: Sequence[str]
    foreign: Sequence[str] = ()
    pending: bool = False
    startup: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the scenario did to the network, so that it is no fault of the agent."""

    timers: bool = False
    """devices were out of reach longer than their own timer: they may have undone by themselves"""
    reboots: bool = False
    """devices were switched off and on"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything. ``tables`` has every row of a table by the table's name; JSON columns decoded.

    ``sender``: one row per acknowledged (201) order, ``key`` and ``order``. ``billing``: one row per
    request, ``key`` and ``body``. ``needs``: pool names by specification. ``audit``: the first broken
    entry's number. ``damage``: what the database's own check found. ``kills``: what was done to the agent, for the reader.
    """

    tables: Mapping[str, Sequence[Row]]
    devices: Mapping[str, Device]
    billing: Sequence[Row] = ()
    sender: Sequence[Row] = ()
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    audit: int | None = None
    damage: Sequence[str] = ()
    expected: Expected = field(default_factory=Expected)
    seed: int = 0
    kills: Sequence[str] = ()

    def rows(self, table: str, **equal: Any) -> Iterator[Row]:
        """The rows of a table whose columns have these values."""
        for row in self.tables.get(table, ()):
            if all(row[name] == value for name, value in equal.items()):
                yield row

    def items(self) -> Iterator[Row]:
        """The items of orders that do something; one that is there for context only does nothing."""
        return (row for row in self.rows("ord_item") if row.get("action") != "noChange")

    def current(self, table: str, **equal: Any) -> Iterator[Row]:
        """The rows of an inventory table that are true now."""
        return self.rows(table, valid_to=None, known_to=None, **equal)


@dataclass(frozen=True, slots=True)
class Violation:
    """One law that does not hold: a sentence, and the rows that prove it."""

    law: str
    sentence: str
    proof: Sequence[Row] = ()

    def __str__(self) -> str:
        """The sentence, then the rows, one a line."""
        rows = [json.dumps(dict(row), default=str, sort_keys=True)[:600] for row in self.proof]
        return "\n    ".join([f"{self.law}: {self.sentence}", *rows])


def dump(facts: Facts, folder: Path) -> None:
    """Write the facts as files that people read and ``load`` reads again."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = asdict(facts)
    for part in ("tables", "devices", "billing", "sender"):
        text = json.dumps(whole.pop(part), indent=1, default=str)
        (folder / f"{_FILES[part]}.json").write_text(text + "\n", encoding="utf-8")
    text = json.dumps(whole, indent=1, default=str)
    (folder / "about.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> Facts:
    """Read what ``dump`` wrote. OSError or KeyError when it is no such folder."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    parts = {
        part: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for part, name in _FILES.items()
    }
    parts["devices"] = {name: Device(**device) for name, device in parts["devices"].items()}
    about["expected"] = Expected(**about["expected"])
    return Facts(**parts, **about)


_FILES = {"tables": "journal", "devices": "devices", "billing": "billing", "sender": "sender"}
