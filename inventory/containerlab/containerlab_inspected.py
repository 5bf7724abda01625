"""Decides what ``containerlab inspect --format json`` says: nodes, kinds, addresses, states. Pure.

It is a map of lists by lab now; it was ``{"containers": […]}``, and a list before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from inventory.containerlab import containerlab_names
from inventory.containerlab.containerlab_kinds import Kinds
from inventory.containerlab.containerlab_said import Node, Said
from inventory.words import documents

NOW: Final = "containerlab inspect"
OLDER: Final = "containerlab inspect, an older form"

_RUNNING: Final = "running"


def is_one(data: object) -> bool:
    """Is it such a file? Told by its shape alone."""
    if isinstance(data, list):
        return bool(data) and all(isinstance(row, dict) and "lab_name" in row for row in data)
    if not isinstance(data, dict) or not data:
        return False
    return all(isinstance(rows, list) and (not rows or is_one(rows)) for rows in data.values())


def read(file: str, data: Mapping[str, Any] | list[Any], kinds: Kinds) -> Said:
    """What it says of its one lab. OrderRejected where it has several, or none."""
    older = isinstance(data, list) or "containers" in data
    rows = _rows(data)
    labs = sorted({documents.text(row, "lab_name") for row in rows})
    if len(labs) != 1:
        told = ", ".join(lab[:64] for lab in labs[:5]) or "none"
        raise documents.refusal(
            file, f"must be of one lab and is of {told}: name the lab, with inspect --name LAB"
        )
    lab = containerlab_names.lab(file, labs[0])
    found = {_name(row): row for row in rows}
    containerlab_names.refuse_strange(file, found)
    if len(found) != len(rows):
        raise documents.refusal(file, "names a container twice")
    nodes = {name: _node(row, kinds) for name, row in found.items()}
    return Said(file, OLDER if older else NOW, nodes, lab, complete=False)


def _rows(data: Mapping[str, Any] | list[Any]) -> Sequence[Mapping[str, Any]]:
    lists = [data] if isinstance(data, list) else list(data.values())
    return [row for rows in lists for row in rows if isinstance(row, dict)]


def _name(row: Mapping[str, Any]) -> str:
    return documents.text(row, "name")


def _node(row: Mapping[str, Any], kinds: Kinds) -> Node:
    # "N/A" of a container that does not run, and of one in another's network
    families = (documents.text(row, f"{family}_address") for family in ("ipv4", "ipv6"))
    state = documents.text(row, "state")
    return Node(
        long_name=_name(row),
        kinds=kinds.meant(documents.text(row, "kind")),
        addresses=tuple(one.partition("/")[0] for one in families if one not in {"", "N/A"}),
        state="" if state == _RUNNING else state[:64],
    )
