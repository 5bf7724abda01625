"""``oss-agent catalog``: what can be ordered, what is wrong in it, what a change means.

Only ``reload``, and ``diff`` of nothing, ask the daemon: they are about what it has in force.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from oss_agent import errors, settings
from oss_agent.catalog import collection, difference, files, forms, specification
from oss_agent.cli import client, context, show
from oss_agent.spi import specifications

catalog = typer.Typer(
    no_args_is_help=True, help="The catalogue's files: check, list, compare, have them read again."
)
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="OSS_AGENT_CONFIG", help="TOML file that names a folder"),
]
Folder = Annotated[
    Path | None,
    typer.Argument(
        help="a folder with services/, resources/ or offerings/ in it, beside the shipped"
    ),
]
_LIVE = f"{client.OPERATOR}/catalogue"
_SAID = [("VERSION", "version"), ("STATUS", "status"), ("NAME", "name"), ("WHAT IT IS", "text")]
_LIST = [("KIND", "kind"), ("ID", "id"), *_SAID]
_CHANGES = [
    ("PLACE", "place"),
    ("BEFORE", "before"),
    ("AFTER", "after"),
    ("FOR WHAT LIVES", "effect"),
]


@catalog.command("check")
def check(ctx: typer.Context, folder: Folder = None, config: ConfigFile = None) -> None:
    """Read every file and say all that is wrong: file, line, place, what to do."""
    checked = collection.check(*_folders(_own(folder, config)))
    screen = context.of(ctx).screen
    if screen.as_json:
        screen.json([dataclasses.asdict(one) for one in checked.mistakes])
    for one in () if screen.as_json else checked.mistakes:
        screen.text(str(one))
    if checked.mistakes:
        raise typer.Exit(1)
    if not screen.as_json:
        screen.text(f"the catalogue is right: {_count(checked.found)}")


@catalog.command("list")
def list_(ctx: typer.Context, folder: Folder = None, config: ConfigFile = None) -> None:
    """Every specification and offering in every version."""
    screen = context.of(ctx).screen
    screen.table(list(_rows(_sound(_own(folder, config)))), _LIST, "the catalogue is empty")


@catalog.command("diff")
def diff(
    ctx: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            help="an id, or a folder to put in the present one's place; without: what a reload would change"
        ),
    ] = None,
    before: Annotated[str | None, typer.Argument(help="with an id: the version that lives")] = None,
    after: Annotated[str | None, typer.Argument(help="with an id: the version to move to")] = None,
    config: ConfigFile = None,
) -> None:
    """What changes from one version, or one folder, to another, and what that means for what lives."""
    here = context.of(ctx)
    screen = here.screen
    if what is None:
        _tell(screen, _moved(here.api.get(f"{_LIVE}/changes")), "a reload would change nothing")
        return
    present = _sound(_own(None, config))
    if before is not None and after is not None:
        pair = [_find(present, what, version) for version in (before, after)]
        rows = [_row(change) for change in difference.between(*pair)]
        screen.table(rows, _CHANGES, f"{what} {before} and {after} mean the same")
        return
    if before is not None or not Path(what).is_dir():
        raise client.Refused(
            f"{what} is no folder: name one, or an id and two versions of it", exit_code=2
        )
    _tell(screen, difference.catalogues(present, _sound(Path(what))), "nothing changes")


@catalog.command("reload")
def reload(ctx: typer.Context) -> None:
    """Have the daemon take its files: all of them, or with a mistake none."""
    here = context.of(ctx)
    moved = _moved(here.api.post(f"{_LIVE}/reload", None))
    _tell(here.screen, moved, "the files say what was in force")


def _moved(found: Any) -> list[specifications.Moved]:
    return [
        specifications.Moved(
            **one | {"changes": tuple(specifications.Change(**change) for change in one["changes"])}
        )
        for one in found
    ]


def _tell(screen: show.Screen, found: Sequence[specifications.Moved], nothing: str) -> None:
    if screen.as_json:
        screen.json([dataclasses.asdict(one) for one in found])
        return
    for one in found:
        screen.text(f"{one.kind} {one.id} {one.version} is {one.what}: {one.effect}")
        for change in one.changes:
            screen.text(f"    {change.place}: {_value(change.before)} -> {_value(change.after)}")
    if not found:
        screen.text(nothing)


def _own(folder: Path | None, config: Path | None) -> Path | None:
    """The operator's own folder: as named, or as the settings have it."""
    if folder is not None:
        return folder
    try:
        return settings.load(config).catalogue.folder
    except errors.ConfigurationError as bad:
        raise client.Refused(str(bad), exit_code=2) from bad


def _folders(own: Path | None) -> Sequence[Any]:
    return [collection.shipped(), *([own] if own is not None else [])]


def _sound(own: Path | None) -> collection.Collection:
    checked = collection.check(*_folders(own))
    try:
        files.refuse(checked.mistakes)
    except errors.ConfigurationError as bad:
        raise client.Refused(str(bad), exit_code=2) from bad
    return checked.found


def _count(found: collection.Collection) -> str:
    kinds = (
        (found.services, "service specification"),
        (found.resources, "resource specification"),
        (found.offerings, "product offering"),
    )
    return ", ".join(f"{len(some)} {what}{'s' * (len(some) != 1)}" for some, what in kinds)


def _kinds(found: collection.Collection) -> Iterator[tuple[str, forms.Entry]]:
    yield from (("offering", one) for one in found.offerings)
    yield from (("service", one) for one in found.services)
    yield from (("resource", one) for one in found.resources)


def _rows(found: collection.Collection) -> Iterator[dict[str, Any]]:
    for kind, one in _kinds(found):
        own = {name: getattr(one, name) for _, name in _SAID}
        yield {"kind": kind, "id": one.id} | own
        for facing in one.resource_facing if isinstance(one, specification.Specification) else ():
            told = {"id": facing.id, "name": facing.name, "text": facing.text}
            yield {"kind": "resource-facing"} | own | told


def _find(found: collection.Collection, key: str, version: str) -> forms.Entry:
    """A resource may be called as the service it is part of: the service is meant then."""
    for _, one in _kinds(found):
        if (one.id, one.version) == (key, version):
            return one
    known = ", ".join(f"{one.id} {one.version}" for _, one in _kinds(found))
    raise client.Refused(f"there is no {key} {version}; there are {known}", exit_code=2)


def _row(change: specifications.Change) -> dict[str, Any]:
    sides = {"before": difference.shown(change.before), "after": difference.shown(change.after)}
    return {"place": change.place, **sides, "effect": change.effect}


def _value(value: Any) -> str:
    return difference.shown(value) or "nothing"
