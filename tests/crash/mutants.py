"""Bugs planted in a victim's own process, to see that the checker finds them. Never in product code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oss_agent.fulfilment import observer


def _fault_in_vote() -> None:
    """No bug of ours to be found, but one to be survived: the vote always fails unforeseen."""

    async def look(*_: object) -> None:
        raise ZeroDivisionError("planted")

    observer.look = look  # type: ignore[assignment]  # the victim's own process only


MUTANTS: Mapping[str, Callable[[], None]] = {
    "fault_in_vote": _fault_in_vote,
}


def plant(name: str) -> None:
    """Plant one, by name."""
    MUTANTS[name]()
