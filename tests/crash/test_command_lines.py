"""What a command-line router remembers, told as the checker judges it: a block of lines is a change."""

from __future__ import annotations

from oss_agent.testing.simulated.history import History, Kind
from tests.crash import command_lines

BEFORE, HALF, AFTER = "before", "half", "after"


def history(*entries: tuple[int, Kind, str, str]) -> History:
    """Entries of (session, kind, digest, detail), a second apart."""
    at = iter(range(100))
    told = History(lambda: float(next(at)))
    for session, kind, digest, detail in entries:
        told.add(session, kind, digest, detail)
    return told


def told(*entries: tuple[int, Kind, str, str]) -> list[tuple[str, str]]:
    rows = command_lines.log(tuple(history(*entries)))
    return [(row["kind"], row["detail"] or row["digest"]) for row in rows]


def test_a_block_is_an_edit_and_a_commit_of_its_last_line() -> None:
    assert told(
        (1, Kind.EDIT, BEFORE, "end"),
        (1, Kind.EDIT, HALF, "service eline a"),
        (1, Kind.EDIT, AFTER, "vni 7"),
        (1, Kind.EDIT, AFTER, "end"),
        (1, Kind.SAVE, AFTER, ""),
    ) == [("edit", "service eline a / vni 7"), ("commit", AFTER), ("save", AFTER)]


def test_what_a_cut_left_counts_with_the_block_that_undoes_it() -> None:
    assert told(
        (1, Kind.EDIT, HALF, "service eline a"),
        (1, Kind.CLOSE, "", ""),
        (2, Kind.EDIT, BEFORE, "no service eline a"),
        (2, Kind.EDIT, BEFORE, "end"),
    ) == [("edit", "service eline a / no service eline a"), ("commit", BEFORE)]


def test_what_a_cut_left_and_nobody_undid_is_a_change_too() -> None:
    half = (1, Kind.EDIT, HALF, "service eline a")
    assert told(half) == [("edit", "service eline a"), ("commit", HALF)]
