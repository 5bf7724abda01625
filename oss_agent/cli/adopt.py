"""``oss-agent adopt find | plan | run``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from oss_agent.cli import client, context, orders

adopt = typer.Typer(
    no_args_is_help=True,
    help="Services that are on devices already: found, compared, made ours. Nothing is sent.",
)

_PATH = f"{client.OPERATOR}/adoptions"
File = Annotated[Path, typer.Argument(help="candidates, as 'adopt find --file' wrote them")]
Which = Annotated[str | None, typer.Option(help="one candidate of the file, by its id or name")]


@adopt.command("find")
def find(
    ctx: typer.Context,
    devices: Annotated[list[str], typer.Argument(help="all devices that it may be on")],
    file: Annotated[
        Path | None, typer.Option(help="write the candidates there, for a person to complete")
    ] = None,
) -> None:
    """What of their configurations may become a service, but what one owns already."""
    here = context.of(ctx)
    survey = here.api.post(f"{_PATH}/find", {"devices": devices})
    if file is not None:
        text = yaml.safe_dump({"candidates": survey["candidates"]}, sort_keys=False)
        file.write_text(text, encoding="utf-8")
    if here.screen.as_json:
        here.screen.json(survey)
        return
    columns = [("CANDIDATE", "id"), ("KIND", "kind"), ("NAME", "name"), ("WHAT", "what")]
    rows = [_row(one) for one in survey["candidates"]]
    here.screen.table([*rows], columns, "no candidates: nothing there is a whole service of nobody")
    for one in survey["candidates"]:
        for doubt in one["doubts"]:
            here.screen.text(f"  {one['id']} in doubt: {doubt}")
    for part in survey["unfit"]:
        here.screen.text(f"  no {part['template']} on {part['device']}: {part['unfit']}")


def _row(one: Mapping[str, Any]) -> dict[str, str]:
    said = {**one["characteristics"], **one["claims"]}
    what = ", ".join(f"{name} {_short(value)}" for name, value in said.items())
    return {"id": one["id"], "kind": one["specification"], "name": one["name"], "what": what}


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(site.get("port", "")) for site in value)
    return str(value)


@adopt.command("plan")
def plan(ctx: typer.Context, file: File, candidate: Which = None) -> None:
    """What differs from what the devices have. Exit code 0: nothing, 1: there is a difference."""
    here = context.of(ctx)
    told = [here.api.post(f"{_PATH}/plan", one) for one in _candidates(file, candidate)]
    if here.screen.as_json:
        here.screen.json(told)
    else:
        for one in told:
            orders.show_plan(here, one)
            if not one["differences"]:
                here.screen.text("  as it is: nothing on any device differs from the design")
    if any(one["differences"] for one in told):
        raise typer.Exit(1)


@adopt.command("run")
def run(
    ctx: typer.Context,
    file: File,
    candidate: Which = None,
    wait: Annotated[bool, typer.Option("--wait", help="until the order is final")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key of one candidate")] = None,
) -> None:
    """Adopt: an order for each, which sends nothing and fails where one line differs."""
    here = context.of(ctx)
    wanted = _candidates(file, candidate)
    if key is not None and len(wanted) > 1:
        raise client.Refused("one key is of one order: name it by --candidate", exit_code=2)
    for one in wanted:
        body = {**one} if key is None else {**one, "key": key}
        orders.sent(here, here.api.post(_PATH, body), wait=wait)


def _candidates(file: Path, which: str | None) -> Sequence[Mapping[str, Any]]:
    """Those of the file, or the one that is named. Refused (usage) when there is none."""
    found = orders.read_order(file).get("candidates")
    every = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    named = [one for one in every if which is None or which in {one.get("id"), one.get("name")}]
    if not named:
        what = "no candidates" if which is None else f"no candidate {which}"
        raise client.Refused(f"{file} has {what}: 'adopt find --file' writes them", exit_code=2)
    return named
