"""``oss-agent order amend|hold|release``: change an order that has not ended, or keep it from going on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from oss_agent.cli import client, context, orders, plain_yaml, product_orders

amending = typer.Typer()
_PLACES = {
    "productOrderItem": ("product", "productCharacteristic"),
    "orderItem": ("resource", "resourceCharacteristic"),
    "serviceOrderItem": ("service", "serviceCharacteristic"),
}


@amending.command("amend")
def amend(
    ctx: typer.Context,
    order: orders.OrderId,
    file: Annotated[
        Path | None, typer.Argument(help="merge patch, YAML or JSON; - is stdin")
    ] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="a characteristic; NAME= takes it away"),
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="of which item; not needed for the only one")
    ] = None,
) -> None:
    """Change an order that has not ended: what was begun for it is undone and planned anew."""
    here = context.of(ctx)
    path = f"{product_orders.collection(order)}/{order}"
    patch = {} if file is None else orders.read_order(file)
    if said:
        patch |= _characteristics(here.api.get(path), said, item)
    if not patch:
        raise client.Refused("nothing to change: give a file, or --set NAME=VALUE", exit_code=2)
    _show(here, here.api.patch(path, patch))


def _characteristics(
    order: Mapping[str, Any], said: Sequence[str], wanted: str | None
) -> dict[str, Any]:
    """The merge patch that sets characteristics of one item; the other items stay as they are."""
    name = next(name for name in _PLACES if name in order)
    item = _item(list(_all(order[name], name)), wanted)
    inner, place = _PLACES[name]
    values = {one["name"]: one["value"] for one in item[inner].get(place, [])}
    for one in said:
        key, sign, value = one.partition("=")
        if not sign:
            raise client.Refused(f"--set {one}: write NAME=VALUE", exit_code=2)
        values.pop(key, None)
        values |= {key: _value(one, value)} if value else {}
    changed = [{"name": key, "value": value} for key, value in values.items()]
    return {name: _but(order[name], name, {item["id"]: {inner: {place: changed}}})}


def _value(said: str, text: str) -> Any:
    try:
        return plain_yaml.load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as bad:
        words = f"--set {said}: the value cannot be read; put it in quotes of its own"
        raise client.Refused(words, exit_code=2) from bad


def _all(items: Sequence[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    for one in items:
        yield one
        yield from _all(one.get(name, ()), name)


def _but(
    items: Sequence[Mapping[str, Any]], name: str, changes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The same items by their ids, nested as they are, each with its change."""
    return [
        {"id": one["id"]}
        | changes.get(one["id"], {})
        | ({name: _but(one[name], name, changes)} if name in one else {})
        for one in items
    ]


def _item(items: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any]:
    found = [one for one in items if wanted in {None, one["id"]}]
    if len(found) != 1:
        known = ", ".join(str(one["id"]) for one in items)
        raise client.Refused(f"say --item: the order has {known}", exit_code=2)
    return found[0]


@amending.command("hold")
def hold(
    ctx: typer.Context,
    order: orders.OrderId,
    reason: Annotated[str, typer.Option(help="why; the order shows it")] = "",
) -> None:
    """Put an order on hold: what is not decided is undone and waits for its release."""
    here = context.of(ctx)
    key = product_orders.below(here, order)
    _show(here, here.api.post(f"{client.OPERATOR}/orders/{key}/hold", {"reason": reason}))


@amending.command("release")
def release(ctx: typer.Context, order: orders.OrderId) -> None:
    """Let an order go on that is on hold."""
    here = context.of(ctx)
    key = product_orders.below(here, order)
    _show(here, here.api.post(f"{client.OPERATOR}/orders/{key}/release", None))


def _show(here: context.Here, order: Mapping[str, Any]) -> None:
    if here.screen.as_json:
        here.screen.json(order)
    else:
        here.screen.text(f"order {order['id']} {order['state']}")
