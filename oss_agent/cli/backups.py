"""``oss-agent backup list | show | diff | take``."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from oss_agent.cli import client, context, show
from oss_agent.spi.device import Datastore

backups = typer.Typer(
    no_args_is_help=True, help="Backups: the configurations that devices had, and who changed them."
)

Device = Annotated[str, typer.Argument(help="device name")]
Store = Annotated[str, typer.Option(help="configuration store; the first one if absent")]
Kind = Annotated[Datastore, typer.Option(help="running, or what a restart brings back")]
Secrets = Annotated[bool, typer.Option("--secrets", help="show them, too: it is audited")]
At = Annotated[str | None, typer.Option(help="as it was then: 03:12, 2h ago, 2026-11-22T03:12:00Z")]
_LIVE: Final = ("running", "running now")
_COLUMNS: Final = [
    ("DEVICE", "device"),
    ("STORE", "store"),
    ("DATASTORE", "datastore"),
    ("VERSION", "version"),
    ("SINCE", "since"),
    ("UNTIL", "until"),
    ("BYTES", "size"),
    ("ORDERS", "orders"),
    ("CAUSE", "cause"),
]
_LOOKED: Final = [("LOOKED", "looked_at"), ("TROUBLE", "trouble")]
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


@backups.command("list")
def backup_list(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Argument(help="one device: all its versions")] = None,
    at: At = None,
) -> None:
    """What is kept now of every device; of one, its versions with the orders that made them."""
    here = context.of(ctx)
    asked = {name: text for name, text in (("device", device), ("at", at)) if text is not None}
    found = here.api.get(f"{client.OPERATOR}/backups", **asked)
    columns = [*_COLUMNS, *([] if device else _LOOKED)]
    here.screen.table(found, columns, "no backups: oss-agent backup take DEVICE")


@backups.command("show")
def backup_show(
    ctx: typer.Context,
    device: Device,
    at: At = None,
    version: Annotated[int | None, typer.Option(min=1, help="as the list numbers them")] = None,
    store: Store = "",
    datastore: Kind = Datastore.RUNNING,
    *,
    secrets: Secrets = False,
) -> None:
    """A configuration as it was at the last look before a moment, or as a version; else the newest."""
    here = context.of(ctx)
    asked = _place(store, datastore, secrets=secrets)
    asked |= {"at": at} if at is not None else {}
    asked |= {"version": str(version)} if version is not None else {}
    found = here.api.get(f"{client.OPERATOR}/backups/{device}", **asked)
    if here.screen.as_json:
        here.screen.json(found)
    else:
        _lines(here, found["text"])


@backups.command("diff")
def backup_diff(
    ctx: typer.Context,
    device: Device,
    older: Annotated[
        str | None,
        typer.Option("--from", help="a version or a moment; the version before if absent"),
    ] = None,
    newer: Annotated[
        str | None,
        typer.Option("--to", help="a version, a moment, or 'running now': it is looked at first"),
    ] = None,
    store: Store = "",
    datastore: Kind = Datastore.RUNNING,
    *,
    unsaved: Annotated[
        bool, typer.Option("--unsaved", help="what a restart would lose: startup against running")
    ] = False,
    secrets: Secrets = False,
) -> None:
    """What changed, as a unified diff, and by which order. Exit code 1 when something did."""
    here = context.of(ctx)
    if unsaved and (older or newer):
        raise client.Refused("--unsaved compares startup with running: name no versions", 2)
    asked = _place(store, datastore, secrets=secrets)
    if newer in _LIVE:
        _look(here, device)
        newer = None
    asked |= {name: text for name, text in (("from", older), ("to", newer)) if text is not None}
    path = f"{client.OPERATOR}/backups/{device}/{'unsaved' if unsaved else 'diff'}"
    found = here.api.get(path, **asked)
    if here.screen.as_json:
        here.screen.json(found)
    else:
        _lines(here, found["text"], coloured=True)
    if found["text"]:
        raise typer.Exit(1)


@backups.command("take")
def backup_take(ctx: typer.Context, device: Device) -> None:
    """Look at a device now, and keep what changed."""
    here = context.of(ctx)
    taken = _look(here, device)
    if here.screen.as_json:
        here.screen.json(taken)
        return
    here.screen.table(taken["changed"], _COLUMNS, f"{device}: nothing changed since the last look")


def _look(here: context.Here, device: str) -> Any:
    """The device as it is now is kept. Refused when it was not believed: the last good one stays."""
    taken = here.api.post(f"{client.OPERATOR}/backups/{device}/take", {})
    if taken["trouble"]:
        raise client.Refused(f"no backup of {device}: {taken['reason']}", 3)
    return taken


def _place(store: str, datastore: Datastore, *, secrets: bool) -> dict[str, str]:
    asked = {"datastore": datastore.value} | ({"store": store} if store else {})
    return asked | ({"secrets": "true"} if secrets else {})


def _lines(here: context.Here, text: str, *, coloured: bool = False) -> None:
    """As it is, to be piped into a file; each line harmless, coloured on a terminal alone."""
    for line in text.splitlines():
        style = _COLOURS.get(line[:1], "") if coloured else ""
        here.screen.console.print(Text(show.clean(line), style=style), soft_wrap=True)
