"""What every command is given: the API and the screen, made once from the global options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import typer

from oss_agent.cli.client import Api
from oss_agent.cli.show import Screen


@dataclass(frozen=True, slots=True)
class Here:
    """The command's surroundings."""

    api: Api
    screen: Screen


def of(ctx: typer.Context) -> Here:
    """The surroundings that the root callback put into the context."""
    return cast("Here", ctx.find_root().obj)
