"""``oss-agent drift check | list``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from oss_agent.cli import cases, client, context

drift = typer.Typer(
    no_args_is_help=True, help="Drift: what devices hold of ours otherwise than we left it."
)
_KINDS = ("drift-changed", "drift-missing", "drift-extra")
_COLUMNS = [
    ("DEVICE", "device"),
    ("KIND", "kind"),
    ("PATH", "path"),
    ("WAS", "was"),
    ("IS", "now"),
    ("SERVICE", "services"),
    ("BY", "who"),
]


@drift.command("check")
def check(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="a device, or a service by id or name")],
) -> None:
    """Compare now, and say what differs. Exit code 1: something does, or could not be compared."""
    here = context.of(ctx)
    told = here.api.post(f"{client.OPERATOR}/drift/check", {"target": target})
    if here.screen.as_json:
        here.screen.json(told)
    else:
        _show(here, told)
    if any(one["differences"] or one["reason"] for one in told):
        raise typer.Exit(1)


def _show(here: context.Here, told: list[Mapping[str, Any]]) -> None:
    rows = [
        {**each, "device": one["device"], "services": ", ".join(each["services"])}
        for one in told
        for each in one["differences"]
    ]
    compared = [one["device"] for one in told if not one["reason"]]
    if rows or compared:
        here.screen.table(rows, _COLUMNS, f"as it was read back: {', '.join(compared)}")
    for one in told:
        if one["more"]:
            here.screen.text(f"{one['device']}: {one['more']} more differences")
        if one["reason"]:
            here.screen.text(f"{one['device']}: not compared: {one['reason']}")
    if not told:
        here.screen.text("it has no configuration on any device")


@drift.command("list")
def list_(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Option(help="of one device alone")] = None,
) -> None:
    """Cases of drift, decided about or not; 'oss-agent case' decides."""
    here = context.of(ctx)
    asked: dict[str, Any] = {"kind": list(_KINDS)} | ({"device": device} if device else {})
    columns = [
        ("CASE", "id"),
        ("KIND", "kind"),
        ("SINCE", "since"),
        ("OWNER", "owner"),
        ("STATE", "state"),
        ("WHAT", "text"),
        ("SAFE", "actions"),
    ]
    found = cases.told(here, here.api.rows(f"{client.OPERATOR}/cases", **asked))
    here.screen.table(found, columns, "no drift is known")
