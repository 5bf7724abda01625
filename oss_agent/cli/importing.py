"""``oss-agent import``: the files that containerlab left of a lab, from a directory, by name, or piped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oss_agent.cli import client, context

_USUAL: Final = (
    "topology-data.json",
    "ansible-inventory.yml",
    "nornir-simple-inventory.yml",
    "known_hosts",
)
_TOPOLOGIES: Final = ("*.clab.yml", "*.clab.yaml", "*.clab.gotmpl")
_STDIN: Final = "-"
_LABDIR: Final = "clab-"
_LONGEST: Final = 8 * 1024 * 1024
"""Bytes of a file: more than the daemon reads of any."""


def import_(
    ctx: typer.Context,
    places: Annotated[
        list[str],
        typer.Argument(
            help="a lab directory (clab-<lab>/), files of it, *.clab.yml, what containerlab "
            "inspect --format json says, or - for standard input"
        ),
    ],
    lab: Annotated[
        str, typer.Option(help="the lab's name, where no file tells it (inventories alone)")
    ] = "",
) -> None:
    """Take in a lab's devices and links from whatever containerlab left of it.

    Files that contradict each other are refused, and nothing is taken. Exit code 1 when a device
    in them was refused.
    """
    here = context.of(ctx)
    files: dict[str, str] = {}
    for place in places:
        for name, text in _files(place):
            if name in files:
                raise client.Refused(
                    f"two files are called {name}: import one lab at a time", exit_code=2
                )
            files[name] = text
    body = {"files": files} | _named(lab, places, files)
    report = here.api.post(f"{client.OPERATOR}/import", body)
    _show(here, report)
    if any(row["outcome"] == "refused" for row in report["devices"]):
        raise typer.Exit(1)


def _files(place: str) -> list[tuple[str, str]]:
    if place == _STDIN:
        return [("standard input", sys.stdin.read(_LONGEST))]
    path = Path(place)
    if not path.is_dir():
        return [(path.name, _text(path))]
    found = [path / name for name in _USUAL if (path / name).is_file()]
    found += sorted(file for pattern in _TOPOLOGIES for file in path.glob(pattern))
    if not [file for file in found if file.name != "known_hosts"]:
        raise client.Refused(
            f"{path} holds nothing of a lab ({', '.join(_USUAL[:3])}, {', '.join(_TOPOLOGIES)}): "
            "name the clab-<lab> directory that deploying the topology made, or a file",
            exit_code=2,
        )
    return [(file.name, _text(file)) for file in found]


def _named(lab: str, places: list[str], files: dict[str, str]) -> dict[str, str]:
    """The lab's name: as told, or as a directory without a file that tells it is called."""
    paths = [Path(place).absolute().name for place in places if Path(place).is_dir()]
    called = [name.removeprefix(_LABDIR) for name in paths if name.startswith(_LABDIR)]
    if not lab and called and _USUAL[0] not in files:
        lab = called[0]
    return {"lab": lab} if lab else {}


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_LONGEST)
    except (OSError, UnicodeDecodeError) as bad:
        raise client.Refused(
            f"{file} cannot be read: {bad}; deploy the lab again, or mend the file", exit_code=2
        ) from bad


def _show(here: context.Here, report: Any) -> None:
    if here.screen.as_json:
        here.screen.json(report)
        return
    for file in report.get("files", ()):
        here.screen.text(f"{file['file']}: {file['form']}, {file['found']}")
    columns = [("DEVICE", "device"), ("OUTCOME", "outcome"), ("REASON", "reason")]
    here.screen.table(report["devices"], columns, "no devices in the file")
    here.screen.text(f"{report['links']} links declared")
