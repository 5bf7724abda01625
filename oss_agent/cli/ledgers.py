"""``oss-agent ledger show``: planned, configured and observed side by side, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from oss_agent.cli import client, context, show
from oss_agent.cli.cases import At, Known, times

ledgers = typer.Typer(
    no_args_is_help=True, help="The three ledgers: what is planned, configured, observed."
)
_COLUMNS = [
    ("ABOUT", "about"),
    ("PLANNED", "planned"),
    ("CONFIGURED", "configured"),
    ("OBSERVED", "observed"),
]


class Format(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"


@ledgers.command("show")
def ledger_show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="service (id or name), device, or port: pe1:eth4")],
    at: At = None,
    known: Known = None,
    form: Annotated[Format, typer.Option("--format", help="json has each side's two times")] = (
        Format.TEXT
    ),
) -> None:
    """What each ledger says, since when, by whose order; and where they disagree.

    Exit code 1 when they do.
    """
    here = context.of(ctx)
    path = f"{client.OPERATOR}/ledger/{quote(name, safe=':/')}"
    view = here.api.get(path, **times(at, known))
    if form is Format.JSON or here.screen.as_json:
        here.screen.json(view)
    else:
        _show(here, view)
    if view["differences"]:
        raise typer.Exit(1)


def _show(here: context.Here, view: Mapping[str, Any]) -> None:
    then = f", as of {show.short(view['valid'])}" if view["valid"] else ""
    known = f" by what was known at {show.short(view['known'])}" if view["known"] else ""
    here.screen.text(f"{view['kind']} {view['name']} ({view['id']}){then}{known}")
    here.screen.table(list(_rows(view)), _COLUMNS, "no ledger says anything of it")
    if view["busy"]:
        here.screen.text("an order is at work on it: what differs may be the order")
    for one in view["differences"]:
        case = f" [case {one['case']}, since {show.short(one['since'])}]" if one["case"] else ""
        here.screen.text(f"- {one['text']}{case}")
        here.screen.text(f"  {one['kind']}; probably {one['cause']}; whose: {one['owner']}")
    if not view["differences"]:
        here.screen.text("the three agree")


def _rows(view: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for line in view["lines"]:
        sides = ("planned", "configured", "observed")
        yield {"about": line["about"], **{side: _side(line[side]) for side in sides}}


def _side(side: Mapping[str, Any] | None) -> str:
    """A ledger's words; when they were believed only where that is not since they are so."""
    if side is None:
        return ""
    since, known = show.short(side["since"]), show.short(side["known"])
    late = f", known {known}" if known != since else ""
    by = f", {side['by']}" if side["by"] else ""
    return f"{side['text']} (since {since}{late}{by})"
