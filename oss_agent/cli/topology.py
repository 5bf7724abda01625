"""``oss-agent topology``: links as a table, as JSON, or as a graph for graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from oss_agent.cli import client, context, show, strangers
from oss_agent.cli.cases import At, Known, times

_COLUMNS: Final = (
    ("DEVICE", "a_device"),
    ("PORT", "a_port"),
    ("PEER", "z_device"),
    ("PORT", "z_port"),
    ("SURE", "confidence"),
    ("EVIDENCE", "evidence"),
    ("SEEN", "last_seen"),
)
_STYLES: Final = {
    "agreed": "solid",
    "one-sided": "dashed",
    "declared": "dotted",
    "stale": "dotted",
    "contradictory": "bold",
}


class Format(StrEnum):
    """How links are written."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"


def topology(
    ctx: typer.Context,
    form: Annotated[
        Format, typer.Option("--format", help="dot is read by graphviz: dot -Tsvg")
    ] = Format.TEXT,
    at: At = None,
    known: Known = None,
) -> None:
    """Links with their evidence, how sure each is, and why not more."""
    here = context.of(ctx)
    links: list[dict[str, Any]] = here.api.get(f"{client.OPERATOR}/topology", **times(at, known))
    if form is Format.JSON or (here.screen.as_json and form is Format.TEXT):
        here.screen.json(links)
    elif form is Format.DOT:
        for line in dot(links):
            here.screen.text(line)
    else:
        here.screen.table(list(_rows(links)), _COLUMNS, "no links known: oss-agent discover")


def dot(links: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The links as a graph in graphviz's language: managed devices as boxes, others dashed."""
    yield "graph topology {"
    # Sorted, so that of what a stranger says on several links one label stands, and the same each time.
    nodes = {node[0]: node for node in sorted(_node(link, end) for link in links for end in "az")}
    for name, label, style in nodes.values():
        yield f"  {_quoted(name)} [shape=box, label={_quoted(label)}, style={style}];"
    for link in links:
        ends = f"{_quoted(link['a_device'])} -- {_quoted(link['z_device'])}"
        ports = f"taillabel={_quoted(link['a_port'])}, headlabel={_quoted(link['z_port'])}"
        members = link.get("members") or ()
        label = f", label={_quoted(f'{len(members)} members')}" if members else ""
        style = _STYLES.get(link.get("confidence") or "", "solid")
        yield f"  {ends} [{ports}{label}, style={style}];"
    yield "}"


def _node(link: Mapping[str, Any], end: str) -> tuple[str, str, str]:
    """(id, label, style) of one end."""
    name = link[f"{end}_device"]
    return (name, _shown(link, end), "solid" if ":" not in name else "dashed")


def _shown(link: Mapping[str, Any], end: str) -> str:
    """An end by its name; one that is not managed by what it calls itself, and says that it is."""
    name = str(link.get(f"{end}_device") or "")
    if ":" not in name:
        return name
    return f"{link.get('neighbour') or name}, {strangers.kind(link.get('stranger') or {})}"


def _rows(links: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row a link; members of a bundle under it."""
    for link in links:
        yield _row(link)
        for member in link.get("members") or ():
            yield _row(member) | {"a_device": f"- {_shown(member, 'a')}"}


def _row(link: Mapping[str, Any]) -> dict[str, Any]:
    why = link.get("reason")
    evidence = f"{link.get('evidence')}: {why}" if why else link.get("evidence")
    ends = {f"{end}_device": _shown(link, end) for end in "az"}
    return {**link, **ends, "evidence": evidence}


def _quoted(text: str) -> str:
    """A string of graphviz's language; what a device said may hold anything."""
    clean = show.clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'
