"""The program ``oss-agent``: commands that talk to a daemon, and the few that are one."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from oss_agent import errors, settings
from oss_agent.catalog import commands as catalogue
from oss_agent.cli import client, context
from oss_agent.cli import main as cli
from oss_agent.platforms import commands as platforms

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="OSS_AGENT_CONFIG", help="TOML file; without one defaults hold"
    ),
]


def run(config: ConfigFile = None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; without settings at 127.0.0.1:8642, its data in ./data."""
    # Nothing that is imported is garbage: to look for some took a quarter of the start.
    gc.disable()
    from oss_agent.app import daemon  # noqa: PLC0415  (the daemon's imports cost 1 s; commands need none)

    gc.freeze()
    gc.enable()
    try:
        asyncio.run(daemon.serve(settings.load(config)))
    except errors.ConfigurationError as bad:
        raise client.Refused(str(bad), exit_code=2) from bad
    except errors.StoreUnavailable as bad:
        raise client.Refused(
            f"{bad}. Mend or start the database, or correct data or store.url, then start again",
            exit_code=1,
        ) from bad
    except OSError as bad:
        # click takes a broken pipe for a reader that has enough, and would end without a word
        raise RuntimeError(f"the daemon ended by an error that it does not expect: {bad}") from bad


def check_config(ctx: typer.Context, config: ConfigFile = None) -> None:
    """Read the settings and their secrets, say every mistake, change nothing."""
    try:
        tree = settings.load(config)
    except errors.ConfigurationError as bad:
        raise client.Refused(str(bad), exit_code=2) from bad
    missing = "; ".join(settings.unresolved(tree.secrets))
    if missing:
        raise client.Refused(missing, exit_code=2)
    here = context.of(ctx)
    here.screen.json(tree.model_dump(mode="json"))


def program() -> typer.Typer:
    """Every command that there is."""
    tree = cli.tree()
    tree.command("run")(run)
    tree.command("check-config")(check_config)
    tree.add_typer(platforms.drivers, name="drivers")
    tree.add_typer(catalogue.catalog, name="catalog")
    return tree


def main() -> None:
    """Entry point."""
    sys.exit(cli.run(program(), sys.argv[1:]))


if __name__ == "__main__":
    main()
