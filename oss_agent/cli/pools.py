"""``oss-agent pool``: what is left of the pools, who has what, how long it will last; reservations."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from oss_agent.cli import client, context
from oss_agent.cli.cases import At, Known, times
from oss_agent.spi import moments

_PATH: Final = f"{client.OPERATOR}/pools"
_COUNTS: Final = [
    ("SIZE", "size"),
    ("HELD", "held"),
    ("RESERVED", "reserved"),
    ("RESTING", "resting"),
    ("FREE", "free"),
    ("USED", "percent"),
]
pools = typer.Typer(
    no_args_is_help=True, help="Pools: VLANs, VNIs, addresses, prefixes, RDs, RTs, AS numbers."
)
Name = Annotated[str, typer.Argument(help="pool name")]
Key = Annotated[str, typer.Argument(help="what the reservation is called: a quote, a project")]


@pools.command("list")
def listing(ctx: typer.Context, at: At = None, known: Known = None) -> None:
    """Every pool and what is left of it."""
    here = context.of(ctx)
    columns = [("POOL", "name"), ("KIND", "kind"), ("GIVES", "gives"), *_COUNTS, ("SHORT", "short")]
    rows = here.api.get(_PATH, **times(at, known))
    here.screen.table(_percent(here, rows), columns, "no pools in the settings")


@pools.command("show")
def show(ctx: typer.Context, pool: Name, at: At = None, known: Known = None) -> None:
    """One pool, how long its values rest, and when it will be full."""
    here = context.of(ctx)
    view = here.api.get(f"{_PATH}/{pool}", **times(at, known))
    if here.screen.as_json:
        here.screen.json(view)
        return
    forecast = view.pop("forecast")
    if forecast is None:  # of the past nothing is forecast
        here.screen.facts(view.items())
        return
    here.screen.facts([*view.items(), ("days to full", forecast["days"]), ("why", forecast["why"])])


@pools.command("claims")
def claims(ctx: typer.Context, pool: Name, at: At = None, known: Known = None) -> None:
    """Every value that is not free: whose, since when, and what a resting one waits for."""
    here = context.of(ctx)
    columns = [
        ("VALUE", "value"),
        ("STATE", "state"),
        ("KEY", "key"),
        ("SINCE", "since"),
        ("UNTIL", "until"),
        ("WHY", "why"),
    ]
    rows = here.api.get(f"{_PATH}/{pool}/claims", **times(at, known))
    here.screen.table(rows, columns, f"all of {pool} is free")


@pools.command("forecast")
def forecast(ctx: typer.Context) -> None:
    """When each pool will be full by its own history; the first one first. Never a guess."""
    here = context.of(ctx)
    rows = here.api.get(f"{_PATH}/forecast")
    if here.screen.as_json:
        here.screen.json(rows)
        return
    columns = [("POOL", "name"), ("FREE", "free"), ("USED", "percent"), ("DAYS TO FULL", "days")]
    seen = [{**row, **row["forecast"]} for row in _percent(here, rows)]
    here.screen.table(seen, [*columns, ("WHY", "why")], "no pools in the settings")


@pools.command("reserve")
def reserve(
    ctx: typer.Context,
    pool: Name,
    key: Key,
    value: Annotated[
        str | None, typer.Option(help="this value, or of a block any prefix so long: /29")
    ] = None,
    time: Annotated[str, typer.Option("--for", help="how long: 30m, 12h, 7d")] = "1d",
) -> None:
    """Keep a value for an order to come, which names it; free again when the time is over."""
    here = context.of(ctx)
    body = {"key": key, "value": value, "seconds": _seconds(time)}
    made = here.api.post(f"{_PATH}/{pool}/reservations", body)
    if here.screen.as_json:
        here.screen.json(made)
    else:
        here.screen.text(f"{made['value']} of {pool} is reserved for {key} until {made['until']}")


@pools.command("forgo")
def forgo(ctx: typer.Context, pool: Name, key: Key) -> None:
    """Give a reservation back before its time."""
    here = context.of(ctx)
    here.api.delete(f"{_PATH}/{pool}/reservations/{key}")
    here.screen.text(f"nothing of {pool} is reserved for {key}")


def _seconds(text: str) -> float:
    try:
        return moments.span(text).total_seconds()
    except ValueError as bad:
        raise client.Refused(f"--for: {bad}", exit_code=2) from bad


def _percent(here: context.Here, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if here.screen.as_json:
        return rows
    return [{**row, "percent": f"{100 * row['used']:.1f} %"} for row in rows]
