"""Decides what an answer means: accepted, refused, or somebody else is configuring. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from device_models import model
from drivers import text


def refusal(answer: str, facts: model.Shell) -> str | None:
    """Why a line of configuration was not accepted; None when it was.

    A command line accepts in silence: whatever is said and not known to be harmless is a refusal.
    A list of known errors would miss the one that the next release words otherwise.
    """
    return error(answer, facts) or _first(
        line for line in answer.split("\n") if line.strip() and not _any(facts.harmless, line)
    )


def error(answer: str, facts: model.Shell) -> str | None:
    """The line of an answer that says that a command failed; None when there is none."""
    return _first(line for line in answer.split("\n") if _any(facts.errors, line))


def busy(answer: str, facts: model.Shell) -> str | None:
    """The line that says that somebody else configures; None when nobody does."""
    return _first(line for line in answer.split("\n") if _any(facts.busy, line))


def others(answer: str, facts: model.Shell) -> str | None:
    """Who else configures, by the answer to ``others``."""
    return _first(line for line in answer.split("\n") if re.search(facts.others_found, line))


def saved(answer: str, facts: model.Shell) -> bool:
    """Does the answer to ``save`` say that it was done?"""
    return re.search(facts.saved, answer) is not None


def _first(lines: Iterator[str]) -> str | None:
    return next((text.line(line) for line in lines), None)


def _any(expressions: tuple[str, ...], line: str) -> bool:
    return any(re.search(expression, line) for expression in expressions)
