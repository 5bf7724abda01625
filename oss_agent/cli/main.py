"""The command tree: what an operator types."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from oss_agent import __version__
from oss_agent.cli import (
    adopt,
    amending,
    audit,
    backups,
    cases,
    client,
    context,
    drift,
    fallout,
    importing,
    ledgers,
    network,
    onboard,
    orders,
    outbox,
    paper,
    pools,
    services,
    show,
    stops,
    topology,
    where,
)

GLOBAL = ("-o", "--output", "--api", "--token")


class Form(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"


def _version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it with the flag)
    if wanted:
        typer.echo(f"oss-agent {__version__}")
        raise typer.Exit


ENDS = (
    "These options may stand anywhere in a command line, also behind the command.\n\n"
    "It ends with 0: done; 1: something differs, was not found or did not end well; 2: the command "
    "line, a file or a setting is wrong; 3: the daemon refused; 4: there is no daemon.\n\n"
    "run, check-config, drivers, catalog check and catalog list need no daemon."
)


def root(
    ctx: typer.Context,
    api: Annotated[
        str, typer.Option(envvar="OSS_AGENT_API", help="the daemon's URL")
    ] = "http://127.0.0.1:8642",
    token: Annotated[
        str | None, typer.Option(envvar="OSS_AGENT_TOKEN", help="bearer token", show_default=False)
    ] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="table or json")] = Form.TABLE,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say the version")
    ] = False,
) -> None:
    """Send it an order: it configures, proves, watches and bills, or leaves all as before."""
    del version
    console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else show.PIPE_WIDTH)
    screen = show.Screen(console, as_json=output is Form.JSON)
    ctx.obj = context.Here(client.Api(api.rstrip("/"), token), screen)


def tree() -> typer.Typer:
    """All commands that talk to a daemon."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback(epilog=ENDS)(root)
    app.command("import")(importing.import_)
    app.command("onboard")(onboard.onboard)
    app.command("discover")(network.discover)
    app.command("plan")(orders.plan)
    app.add_typer(_order(), name="order")
    app.add_typer(network.devices, name="device")
    app.add_typer(cases.cases, name="case")
    app.add_typer(adopt.adopt, name="adopt")
    app.add_typer(drift.drift, name="drift")
    app.add_typer(ledgers.ledgers, name="ledger")
    app.add_typer(backups.backups, name="backup")
    app.command("topology")(topology.topology)
    app.command("where")(where.where)
    app.command("why")(network.why)
    app.add_typer(network.alarms, name="alarm")
    app.add_typer(services.services, name="service")
    app.add_typer(pools.pools, name="pool")
    app.add_typer(outbox.outbox, name="outbox")
    app.add_typer(fallout.fallout, name="fallout")
    app.add_typer(audit.audit, name="audit")
    app.command("pause")(stops.pause)
    app.command("resume")(stops.resume)
    app.command("pauses")(stops.pauses)
    return app


def _order() -> typer.Typer:
    told = typer.Typer(
        no_args_is_help=True,
        help="Orders of services (TMF641), products (TMF622) and resources (TMF652).",
    )
    for part in (orders.orders, amending.amending):
        told.add_typer(part)
    return told


def hoist(arguments: Sequence[str]) -> list[str]:
    """Global options may stand anywhere (``order list -o json``): move them to the front.

    Everything after ``--`` stays where it is.
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in GLOBAL:
            front += [word, *itertools.islice(waiting, 1)]
        elif word.partition("=")[0] in GLOBAL:
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command line; errors become one sentence on stderr and an exit code."""
    try:
        with paper.spread():
            return _ended(app, arguments)
    except client.Refused as refused:
        return _say(str(refused), refused.exit_code)
    except BrokenPipeError:  # whoever reads has enough
        return 1
    except paper.Unwritten as bad:
        return _say(f"what was answered cannot be written: {bad}; make room, or write elsewhere", 1)


def _ended(app: typer.Typer, arguments: Sequence[str]) -> int:
    try:
        app(args=hoist(arguments))
    except SystemExit as end:  # typer ends every command so, also a good one
        return end.code if isinstance(end.code, int) else 0
    return 0


def _say(words: str, exit_code: int) -> int:
    sys.stderr.write(f"oss-agent: {show.clean(words)}\n")
    return exit_code
