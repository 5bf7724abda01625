"""``oss-agent onboard``: take in devices by address, range, prefix or a file of those."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Final

import typer

from oss_agent.cli import client, context

_MINUTES: Final = 900.0
"""Seconds that a whole range may take: silent addresses are waited for."""
_BYTES: Final = 100_000
_COLUMNS: Final = [
    ("ADDRESS", "address"),
    ("OUTCOME", "outcome"),
    ("DEVICE", "device"),
    ("VENDOR", "vendor"),
    ("SYSTEM", "os"),
    ("VERSION", "version"),
    ("PLATFORM", "platform"),
    ("MANAGED", "managed"),
    ("FINGERPRINTS", "fingerprints"),
    ("REASON", "reason"),
]


def onboard(
    ctx: typer.Context,
    targets: Annotated[
        list[str], typer.Argument(help="addresses, ranges (a-b), prefixes, or a file of them")
    ],
    user: Annotated[str, typer.Option(help="login, once a device is trusted")] = "",
    password: Annotated[
        str | None,
        typer.Option(envvar="OSS_AGENT_DEVICE_PASSWORD", help="better by the variable"),
    ] = None,
    community: Annotated[
        str | None,
        typer.Option(envvar="OSS_AGENT_DEVICE_COMMUNITY", help="SNMP v2c, asked with at once"),
    ] = None,
    platform: Annotated[str, typer.Option(help="what they are, if they do not say")] = "",
) -> None:
    """Ask who is there and what it is; then compare fingerprints and 'oss-agent device trust'.

    No password is sent before a device is trusted. Exit code 1 when nothing answered.
    """
    here = context.of(ctx)
    body = {
        "targets": [line for target in targets for line in _lines(target)],
        "username": user,
        "password": password,
        "community": community,
        "platform": platform,
    }
    patient = dataclasses.replace(here.api, timeout=_MINUTES)
    found = patient.post(f"{client.OPERATOR}/onboard", body)
    here.screen.table(found, _COLUMNS, "no address was asked")
    if all(row["outcome"] == "silent" for row in found):
        raise typer.Exit(1)


def _lines(target: str) -> list[str]:
    """The target itself, or the lines of the file that it names; # begins a comment."""
    file = Path(target)
    if not file.is_file():
        return [target]
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_BYTES)
    except (OSError, UnicodeDecodeError) as bad:
        raise client.Refused(f"{file} cannot be read: {bad}", exit_code=2) from bad
    plain = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in plain if line]
