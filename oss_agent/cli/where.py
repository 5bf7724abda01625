"""``oss-agent where``: which device and port an IP or MAC address is behind, by whose word."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from oss_agent.cli import client, context

_COLUMNS: Final = [
    ("DEVICE", "device"),
    ("PORT", "port"),
    ("BY", "how"),
    ("ADDRESS", "address"),
    ("MAC", "mac"),
    ("TOWARDS", "towards"),
    ("SINCE", "since"),
    ("SEEN", "seen"),
    ("UNTIL", "until"),
]


def where(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="an IP or MAC address, in any notation")],
) -> None:
    """Ports that have the address, or behind which it was seen; the surest first.

    Exit code 1 when nobody knows it.
    """
    here = context.of(ctx)
    found = here.api.get(f"{client.OPERATOR}/where", of=address)
    here.screen.table(found, _COLUMNS, _nowhere(address))
    if not found:
        raise typer.Exit(1)


def _nowhere(address: str) -> str:
    return (
        f"no device has told of {address} (where a station was is kept for discovery.keep_stations_days "
        "after it ended there)"
    )
