"""``oss-agent outbox list | receivers | show | redeliver``: what is still to be told to others."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from oss_agent.cli import client, context

outbox = typer.Typer(no_args_is_help=True, help="What is still to be told to others.")
_PATH = f"{client.OPERATOR}/outbox"
_DELIVERIES = [
    ("EVENT", "event_id"),
    ("KIND", "kind"),
    ("ENTITY", "entity"),
    ("RECEIVER", "receiver"),
    ("STATE", "state"),
    ("TRIES", "attempts"),
    ("REASON", "reason"),
]
_RECEIVERS = [
    ("RECEIVER", "receiver"),
    ("PENDING", "pending"),
    ("PARKED", "parked"),
    ("OLDEST", "oldest"),
    ("STOPPED", "stopped"),
]
_WHERE = [
    ("RECEIVER", "receiver"),
    ("STATE", "state"),
    ("TRIES", "attempts"),
    ("NEXT", "next_at"),
    ("CHANGED", "changed_at"),
    ("REASON", "reason"),
]


@outbox.command("list")
def list_(
    ctx: typer.Context,
    receiver: Annotated[str | None, typer.Option(help="only this receiver")] = None,
    state: Annotated[
        str | None, typer.Option(help="pending, parked, done or skipped; what is open if left out")
    ] = None,
    limit: Annotated[int, typer.Option(help="rows at most")] = 500,
) -> None:
    """What is still to be told, to whom, and why it waits."""
    here = context.of(ctx)
    asked = {"receiver": receiver, "state": state, "limit": str(limit)}
    found = here.api.get(_PATH, **{key: value for key, value in asked.items() if value})
    here.screen.table(found, _DELIVERIES, "nothing waits")


@outbox.command("receivers")
def receivers(ctx: typer.Context) -> None:
    """Who has not taken all, since when, and who is told nothing."""
    here = context.of(ctx)
    here.screen.table(here.api.get(f"{_PATH}/receivers"), _RECEIVERS, "nothing waits anywhere")


@outbox.command("show")
def show(ctx: typer.Context, event: Annotated[str, typer.Argument(help="the event's id")]) -> None:
    """One event: what it says, and what became of it at each receiver."""
    here = context.of(ctx)
    told: Any = here.api.get(f"{_PATH}/events/{quote(event, safe='')}")
    if here.screen.as_json:
        here.screen.json(told)
        return
    here.screen.facts(told["event"].items())
    here.screen.table(told["deliveries"], _WHERE, "nobody wants it")


@outbox.command("redeliver")
def redeliver(
    ctx: typer.Context,
    receiver: Annotated[str, typer.Argument(help="who refused it")],
    event: Annotated[
        str | None, typer.Argument(help="one event's id; all that is open there if left out")
    ] = None,
) -> None:
    """Have deliveries tried again after their receiver was mended; a stopped one is told again."""
    here = context.of(ctx)
    body = {"receiver": receiver} | ({"event": event} if event else {})
    answer: Any = here.api.post(f"{_PATH}/redeliver", body)
    if here.screen.as_json:
        here.screen.json(answer)
    else:
        what = event or f"{answer['deliveries']} deliveries"
        here.screen.text(f"{what}: to {receiver} again")
