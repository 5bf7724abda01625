"""``oss-agent audit list``: who did what to what, when."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oss_agent.cli import client, context

audit = typer.Typer(no_args_is_help=True, help="Who did what: rows that nobody can change.")
_COLUMNS = [
    ("AT", "at"),
    ("BY", "by"),
    ("ACTION", "action"),
    ("SUBJECT", "subject"),
    ("WHAT", "what"),
]
_MARKS = "marks"


@audit.command("list")
def audit_list(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option(help="from then on: 03:12, 2h ago, 2026-11-22T03:12:00Z")
    ] = None,
    until: Annotated[str | None, typer.Option(help="up to then, written alike")] = None,
    by: Annotated[str | None, typer.Option(help="who: the name of a token, or oss-agent")] = None,
    action: Annotated[str | None, typer.Option(help="as the list shows it: pause, trust")] = None,
    subject: Annotated[str | None, typer.Option(help="device:pe1, or pe1 of any kind")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="entries at most")] = 100,
    offset: Annotated[int, typer.Option(min=0, help="newer ones that are left out")] = 0,
) -> None:
    """What people, and the agent by itself, decided and did; the newest first."""
    here = context.of(ctx)
    named = {"since": since, "until": until, "by": by, "action": action, "subject": subject}
    asked = {name: text for name, text in named.items() if text is not None}
    found = here.api.get(f"{client.OPERATOR}/audit", **asked, limit=str(limit), offset=str(offset))
    rows = found if here.screen.as_json else [_row(one) for one in found]
    here.screen.table(rows, _COLUMNS, "the audit has nothing like that")
    if len(found) == limit and not here.screen.as_json:
        here.screen.text(f"there may be older ones: --offset {offset + limit}")


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    """Without what only the agent reads."""
    what = {name: value for name, value in entry["detail"].items() if name != _MARKS}
    return {**entry, "what": what}
