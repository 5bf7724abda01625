"""``oss-agent drivers``: what is installed, how it stands, and a new one. Needs no daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from oss_agent import errors
from oss_agent.cli import client, context
from oss_agent.platforms import begin, results, scorecard

drivers = typer.Typer(add_completion=False)
Run = Annotated[
    Path | None,
    typer.Option("--results", help="a JUnit file of a test run: tell what it proved"),
]
_COLUMNS = [
    ("PLATFORM", "platform"),
    ("REACHED BY", "reached"),
    ("STORE: RUNG", "stores"),
    ("DONE", "done"),
    ("TODO", "todo"),
    ("EXEMPT", "exempt"),
]


@drivers.callback(invoke_without_command=True)
def table(ctx: typer.Context, run: Run = None) -> None:
    """The installed platforms: how they are reached, the rung of each store, what was shown."""
    if ctx.invoked_subcommand is not None:
        return
    shown = _shown(run)
    screen = context.of(ctx).screen
    if screen.as_json:
        screen.json(shown)
        return
    told = run is not None or any(one["problem"] for one in shown)
    columns = [*_COLUMNS, *([("RUN", "proof")] if told else [])]
    screen.table([scorecard.summary(one) for one in shown], columns, "no drivers installed")


@drivers.command("show")
def show(
    ctx: typer.Context,
    platform: Annotated[str, typer.Argument(help="as 'oss-agent drivers' lists it")],
    run: Run = None,
) -> None:
    """One platform: every rule, how it stands, why, and the tests that show it."""
    found = {one["platform"]: one for one in _shown(run)}
    if platform not in found:
        raise client.Refused(
            f"no driver for {platform!r}; there are: {', '.join(found)}", exit_code=2
        )
    one, screen = found[platform], context.of(ctx).screen
    if screen.as_json:
        screen.json(one)
        return
    screen.facts(
        [
            ("platform", platform),
            ("package", one["package"]),
            ("reached by", [f"{name} {port}" for name, port in one["reachedBy"].items()]),
            ("stores", [f"{store['store']}: {store['rung']}" for store in one["stores"]]),
            ("capabilities", one["capabilities"]),
            *([("problem", one["problem"])] if one["problem"] else []),
        ]
    )
    columns = [
        ("RULE", "rule"),
        ("STATUS", "status"),
        ("REASON", "reason"),
        ("SHOWN BY", "shownBy"),
    ]
    columns += [("RUN", "proof")] if run is not None else []
    screen.table(one["rules"], columns, "no rule is answered")


@drivers.command("new")
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="what the platform is called, such as acme_os")],
    kind: Annotated[begin.Kind, typer.Option(help="which kit talks to it")],
    path: Annotated[Path, typer.Option(help="the folder to put it into")] = Path(),
) -> None:
    """Begin a platform: a package with its data, its driver and tests that pass at once."""
    try:
        files = begin.new(name, kind, path)
    except errors.ConfigurationError as no:
        raise client.Refused(str(no), exit_code=2) from no
    screen = context.of(ctx).screen
    if screen.as_json:
        screen.json({"platform": name, "files": [str(file) for file in files]})
        return
    for file in files:
        screen.text(str(file))
    screen.text(f"next: cd {path / name}, pip install --no-deps -e . and pytest")


def _shown(run: Path | None) -> list[dict[str, Any]]:
    try:
        cases = None if run is None else results.read(run)
        return [scorecard.as_json(card, cases) for card in scorecard.cards()]
    except errors.ConfigurationError as bad:
        raise client.Refused(str(bad), exit_code=2) from bad
