"""``oss-agent fallout …``: what failed and is kept, and what is to become of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from oss_agent.cli import client, context, product_orders

_PATH = f"{client.OPERATOR}/fallout"
_COLUMNS = [
    ("ORDER", "order"),
    ("ITEM", "item"),
    ("KIND", "kind"),
    ("CAUSE", "cause"),
    ("SINCE", "since"),
    ("UNTIL", "until"),
    ("SAFE", "actions"),
    ("REASON", "reason"),
]
fallout = typer.Typer(
    no_args_is_help=True, help="What failed for good and waits for a person's decision."
)

OrderId = Annotated[str, typer.Argument(help="order id")]
ItemId = Annotated[str | None, typer.Option("--item", help="which, when several are in trouble")]


@fallout.command("list")
def list_(ctx: typer.Context) -> None:
    """Everything that waits for a decision, oldest first."""
    here = context.of(ctx)
    here.screen.table(here.api.get(_PATH), _COLUMNS, "nothing waits for a decision")


@fallout.command("show")
def show(ctx: typer.Context, order: OrderId) -> None:
    """What of an order failed, with what to decide by: evidence, devices, what a rollback undoes."""
    here = context.of(ctx)
    found = here.api.get(f"{_PATH}/{product_orders.below(here, order)}")
    if here.screen.as_json:
        here.screen.json(found)
        return
    for one in found:
        _show(here, one)


def _show(here: context.Here, one: Mapping[str, Any]) -> None:
    view = one["fallout"]
    here.screen.facts(
        [
            (f"order {view['order']}", f"item {view['item']} · {view['action']}"),
            ("service", f"{view['service']} {view['service_name']}"),
            ("wants", one["characteristics"]),
            (view["kind"], f"{view['cause']} · {view['reason']}"),
            ("kept", f"{view['since']} until {view['until'] or 'it is settled'}"),
            ("safe", view["actions"]),
        ]
    )
    columns = [("DEVICE", "device"), ("STATE", "state"), ("SINCE", "since"), ("WHAT", "reason")]
    here.screen.table(one["devices"], columns, "nothing was sent to a device")
    columns = [("PREDICATE", "kind"), ("DEVICE", "device"), ("VERDICT", "outcome")]
    here.screen.table(one["evidence"], [*columns, ("REASON", "reason")], "no evidence")
    for words in one["rollback"]:
        here.screen.text(f"  a rollback undoes  {words}")
    for words in one["obstacles"]:
        here.screen.text(f"  no rollback now    {words}")


@fallout.command("retry")
def retry(ctx: typer.Context, order: OrderId, item: ItemId = None) -> None:
    """Try it again; of a device that is not settled: look at it now."""
    _decide(ctx, order, "retry", item)


@fallout.command("repair")
def repair(
    ctx: typer.Context,
    order: OrderId,
    wanted: Annotated[
        list[str],
        typer.Option("--set", help="NAME=VALUE, a JSON value or text; null takes it back"),
    ],
    item: ItemId = None,
) -> None:
    """Give it other characteristics and try it again."""
    characteristics = dict(_characteristic(one) for one in wanted)
    _decide(ctx, order, "repair", item, characteristics=characteristics)


def _characteristic(words: str) -> tuple[str, Any]:
    name, separator, text = words.partition("=")
    if not (name and separator):
        raise client.Refused(f"--set {words}: NAME=VALUE is expected", exit_code=2)
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


@fallout.command("skip")
def skip(ctx: typer.Context, order: OrderId, item: ItemId = None) -> None:
    """End it failed; what comes after it in its order goes on as if it were completed."""
    _decide(ctx, order, "skip", item)


@fallout.command("rollback")
def rollback(ctx: typer.Context, order: OrderId, item: ItemId = None) -> None:
    """Undo what its order had completed, newest first; then the order ends failed."""
    _decide(ctx, order, "rollback", item)


def _decide(
    ctx: typer.Context, order: str, action: str, item: str | None, **more: Mapping[str, Any]
) -> None:
    here = context.of(ctx)
    order = product_orders.below(here, order)
    body: dict[str, Any] = {**more} if item is None else {"item": item, **more}
    answer = here.api.post(f"{_PATH}/{order}/{action}", body)
    if here.screen.as_json:
        here.screen.json(answer)
    else:
        here.screen.text(f"order {order} item {answer['item']}: {answer['message']}")
