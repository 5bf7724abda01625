"""``oss-agent case list | accept``."""

from __future__ import annotations

from typing import Annotated

import typer

from oss_agent.cli import client, context

cases = typer.Typer(
    no_args_is_help=True, help="Cases: what of the network a person should look at."
)


@cases.command("list")
def case_list(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Option(help="of one device alone")] = None,
) -> None:
    """Open cases; -o json has their causes, evidence and who accepted them."""
    here = context.of(ctx)
    asked = {"device": device} if device else {}
    found = here.api.get(f"{client.OPERATOR}/cases", **asked)
    columns = [
        ("CASE", "id"),
        ("SUBJECT", "subject"),
        ("KIND", "kind"),
        ("SINCE", "since"),
        ("WHAT", "text"),
        ("DO", "action"),
    ]
    here.screen.table(found, columns, "no cases: what is seen is what was known")


@cases.command("accept")
def case_accept(
    ctx: typer.Context,
    keys: Annotated[list[str], typer.Argument(help="ids, as the list shows them")],
) -> None:
    """Say that what was seen is right: the next discovery acts on it, and the case ends."""
    here = context.of(ctx)
    for key in keys:
        view = here.api.post(f"{client.OPERATOR}/cases/{key}/accept", {})
        if here.screen.as_json:
            here.screen.json(view)
        else:
            here.screen.text(f"{view['subject']}: {view['kind']} accepted ({view['evidence']})")
