"""Every ``oss-agent`` command line on a page is one that the program takes; none is run."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from oss_agent import __main__ as program
from oss_agent.cli import main

ROOT = Path(__file__).parents[2]
PROGRAM = r"(?:\.venv/bin/)?oss-agent "
SHOWN = re.compile(rf"^\s*\$ (?:[^`]*\| )?{PROGRAM}(.*)$", re.MULTILINE)
NAMED = re.compile(rf"`{PROGRAM}([^`\n]*)`")
CHOICE = re.compile(r"(?<=\w)\|[\w|]+")


def pages() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md"))
    yield from sorted((ROOT / "docs").glob("*.md"))
    yield from sorted((ROOT / "adr").glob("*.md"))


def lines(form: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Of each command line of this form: where it stands, and its words."""
    for page in pages():
        for found in form.finditer(page.read_text(encoding="utf-8")):
            words = shlex.split(CHOICE.sub("", found[1]), comments=True)
            yield f"{page.name}: oss-agent {found[1]}", words


@functools.cache
def tree() -> Any:
    return typer.main.get_command(program.program())


def wrong(words: list[str]) -> str:
    """What keeps this command line from being taken, as the parser says it; empty: nothing."""
    command = tree()
    rest, name, context = main.hoist(words), "oss-agent", None
    try:
        while hasattr(command, "resolve_command") and rest:
            context = command.make_context(name, list(rest), parent=context)
            name, command, rest = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
        command.make_context(name, list(rest), parent=context)
    except Exception as bad:  # noqa: BLE001  (the parser's errors have no common base of their own)
        return f"{type(bad).__name__} {getattr(bad, 'message', bad)}".strip()
    return ""


def test_a_command_line_that_is_wrong_is_noticed() -> None:
    assert (
        wrong(["order", "explain", "3", "--nonsense"]) == "NoSuchOption No such option: --nonsense"
    )
    assert wrong(["service", "destroy", "acme"]).startswith("UsageError No such command 'destroy'")
    assert wrong(["order", "explain"]).startswith("MissingParameter")
    assert wrong(["order", "list", "-o", "json"]) == ""


def test_every_command_line_that_a_page_shows_is_taken() -> None:
    found = dict(lines(SHOWN))

    assert len(found) > 80
    assert {where: bad for where, words in found.items() if (bad := wrong(words))} == {}


def test_every_command_that_a_page_names_is_there() -> None:
    """What is named in a sentence may leave out what it is about."""
    found = dict(lines(NAMED))
    told = {where: wrong(words) for where, words in found.items()}
    unfinished = ("MissingParameter", "NoArgsIsHelpError", "IndexError")

    assert len(found) > 40
    assert {
        where: bad for where, bad in told.items() if bad and not bad.startswith(unfinished)
    } == {}


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command below this one, itself included, by what is typed for it."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {word}")


def test_the_help_of_every_command_says_what_it_and_each_of_its_words_is() -> None:
    bare = [
        f"{name} {word.name}".rstrip()
        for name, command in commands(tree(), "oss-agent")
        for word in (command, *command.params)
        if not word.help
    ]

    assert bare == []
