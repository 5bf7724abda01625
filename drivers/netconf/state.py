"""Decides how rows of a YANG module's state are asked for, and which rows an answer holds. Pure.

Only the leaves that are columns are selected: a server need not send a list's keys unasked
(RFC 6241 6.2.5).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from device_models import model
from drivers import text
from drivers.netconf import document
from drivers.netconf.document import Element

Row: TypeAlias = dict[str, str]

MOST: Final = 65_536
"""Rows kept of one answer, as of one SNMP table."""
_CELL: Final = 1_024
"""Characters kept of one leaf."""
_UP: Final = ".."


def subtree_filter(rows: model.Rows) -> Element:
    """The filter that selects the columns, and nothing else."""
    selection = document.base("filter")
    selection.set("type", "subtree")
    for path in rows.paths:
        for column in rows.columns.values():
            _select(selection, _tags(_resolved(path, column), rows))
    return selection


def read(data: Element, rows: model.Rows) -> tuple[list[Row], bool]:
    """The rows in the server's order, and whether there were more than are kept.

    A column that a row has not is absent; a row without any is none.
    """
    found = (
        row
        for path in rows.paths
        for element in _at(data, _tags(path.split("/"), rows))
        if (row := _row(element, rows))
    )
    kept = list(itertools.islice(found, MOST))
    return kept, next(found, None) is not None


def _resolved(path: str, column: str) -> list[str]:
    names = path.split("/")
    for step in column.split("/"):
        names = names[:-1] if step == _UP else [*names, step]
    return names


def _tags(names: Sequence[str], rows: model.Rows) -> list[str]:
    return [_tag(name, rows) for name in names]


def _tag(name: str, rows: model.Rows) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{rows.prefixes[prefix] if prefix else rows.namespace}}}{local}"


def _select(selection: Element, tags: Sequence[str]) -> None:
    at = selection
    for tag in tags:
        below = at.find(tag)
        if below is None:
            space, _, local = tag[1:].partition("}")
            below = document.element(space, local)
            at.append(below)
        at = below


def _at(top: Element, tags: Sequence[str]) -> Iterator[Element]:
    if not tags:
        yield top
        return
    for child in top.iterchildren(tags[0]):
        yield from _at(child, tags[1:])


def _row(element: Element, rows: model.Rows) -> Row:
    cells = {name: _cell(element, way, rows) for name, way in rows.columns.items()}
    return {name: cell for name, cell in cells.items() if cell}


def _cell(element: Element, way: str, rows: model.Rows) -> str:
    at: Element | None = element
    for step in way.split("/"):
        if at is None:
            return ""
        at = at.getparent() if step == _UP else at.find(_tag(step, rows))
    said = document.content(at)[:_CELL] if at is not None else ""
    return text.line(said, _CELL)
