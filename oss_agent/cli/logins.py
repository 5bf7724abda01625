"""``oss-agent device login``: several logins tried in turn, from a file that names where secrets are."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path
from typing import Annotated, Final

import typer

from oss_agent.cli import client, context

_MINUTES: Final = 1800.0
"""Seconds that many silent devices may take."""
_WORDS: Final = 3
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_COLUMNS: Final = [
    ("DEVICE", "device"),
    ("OUTCOME", "outcome"),
    ("LOGIN", "login"),
    ("TRIED", "tried"),
    ("REASON", "reason"),
]


def login(
    ctx: typer.Context,
    devices: Annotated[list[str], typer.Argument(help="trusted devices")],
    file: Annotated[
        Path, typer.Option("--logins", help="a file, a line each: NAME USER PASSWORD-FILE")
    ],
) -> None:
    """Try the logins of a file in turn on each device, and keep the first that it takes.

    PASSWORD-FILE holds a password as its one line, and nobody else may read it. Refusals are counted,
    so that no account is locked. Exit code 1 when a device takes none.
    """
    here = context.of(ctx)
    body = {"devices": devices, "logins": _read(file)}
    patient = dataclasses.replace(here.api, timeout=_MINUTES)
    found = patient.post(f"{client.OPERATOR}/logins", body)
    here.screen.table(found, _COLUMNS, "no device was asked")
    if any(row["outcome"] != "found" for row in found):
        raise typer.Exit(1)


def _read(file: Path) -> list[dict[str, str]]:
    lines = _text(file).splitlines()
    found: list[dict[str, str]] = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != _WORDS:
            raise client.Refused(f"{file}:{number}: write NAME USER PASSWORD-FILE", exit_code=2)
        name, user, place = words
        found.append({"name": name, "username": user, "password": _secret(file.parent / place)})
    return found


def _secret(file: Path) -> str:
    text = _text(file).removesuffix("\n")
    if file.stat().st_mode & _OTHERS:
        raise client.Refused(f"{file} can be read by others; chmod 600 it", exit_code=2)
    return text


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as bad:
        raise client.Refused(f"{file} cannot be read: {bad}", exit_code=2) from bad
