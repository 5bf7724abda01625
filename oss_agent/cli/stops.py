"""``oss-agent pause``, ``resume`` and ``pauses``: keep writes from the network, with a reason."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oss_agent.cli import client, context, show

_PATH = f"{client.OPERATOR}/stops"
_COLUMNS = [
    ("ID", "id"),
    ("SCOPE", "scope"),
    ("NAME", "name"),
    ("FROM", "begins"),
    ("UNTIL", "ends"),
    ("BY", "set_by"),
    ("REASON", "reason"),
]


def pause(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", "-r", help="others will read it")],
    device: Annotated[str | None, typer.Option(help="only this device")] = None,
    site: Annotated[str | None, typer.Option(help="only this site")] = None,
    platform: Annotated[str | None, typer.Option(help="only this platform")] = None,
    begins: Annotated[
        str | None, typer.Option("--from", help="22:00, 'in 2h', RFC 3339; now when left out")
    ] = None,
    ends: Annotated[
        str | None, typer.Option("--until", help="written alike; until resumed when left out")
    ] = None,
) -> None:
    """Start nothing new on a device, a site, a platform, or anywhere; what is held is settled."""
    here = context.of(ctx)
    chosen = {"device": device, "site": site, "platform": platform}
    named = [(scope, name) for scope, name in chosen.items() if name is not None]
    if len(named) > 1:
        raise client.Refused("name one of --device, --site, --platform, or none", exit_code=2)
    scope, name = named[0] if named else ("all", "")
    body = {"scope": scope, "name": name, "reason": reason, "begins": begins, "ends": ends}
    stop = here.api.post(_PATH, {key: value for key, value in body.items() if value is not None})
    again = f"Let go again with: oss-agent resume {stop['id']}"
    _say(here, stop, f"paused{_times(stop)}: {_words(stop)}. {again}")


def resume(ctx: typer.Context, key: Annotated[int, typer.Argument(help="the pause's id")]) -> None:
    """Let writes go again; what waited starts at once."""
    here = context.of(ctx)
    stop = here.api.delete(f"{_PATH}/{key}")
    _say(here, stop, f"resumed: {_words(stop)}")


def pauses(ctx: typer.Context) -> None:
    """What keeps writes from the network now, or will."""
    here = context.of(ctx)
    here.screen.table(here.api.get(_PATH), _COLUMNS, "writes are not paused anywhere")


def _times(stop: Any) -> str:
    """The days are said: a time of day that was typed may be tomorrow's."""
    named = (("from", stop["begins"]), ("until", stop["ends"]))
    return "".join(f" {word} {show.short(at)}" for word, at in named if at)


def _words(stop: Any) -> str:
    where = "all writes" if stop["scope"] == "all" else f"writes to {stop['scope']} {stop['name']}"
    return f"{where} ({stop['reason']})"


def _say(here: context.Here, stop: Any, words: str) -> None:
    if here.screen.as_json:
        here.screen.json(stop)
    else:
        here.screen.text(words)
