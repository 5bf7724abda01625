"""Decides which names of labs and nodes are accepted, and which node a name means. Pure.

containerlab calls a node's container ``<prefix>-<lab>-<node>``; the prefix may be any or empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from inventory.words import documents, grammar

MAX_NODES: Final = 5_000
"""Nodes of one lab."""


def lab(file: str, told: object) -> str:
    """What a file calls its lab; OrderRejected where that is no usable name."""
    if not isinstance(told, str) or not grammar.is_word(told):
        raise documents.refusal(file, "gives the lab no usable name")
    return told


def nodes(file: str, data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The nodes of a lab by name, each an object; OrderRejected where they are not."""
    found = data.get("nodes")
    if not isinstance(found, dict):
        raise documents.refusal(file, "has no object 'nodes'")
    refuse_strange(file, found)
    for name, node in found.items():
        if not isinstance(node, dict):
            raise documents.refusal(
                file, f"has the node {name[:64]!r}, which is no usable name or no object"
            )
    return found


def refuse_strange(file: str, names: Collection[str]) -> None:
    """OrderRejected where there are too many nodes, or one has a name that no device may have."""
    if len(names) > MAX_NODES:
        raise documents.refusal(file, f"has more than {MAX_NODES} nodes: import fewer at once")
    for name in names:
        if not grammar.is_device(name):
            raise documents.refusal(file, f"has the node {name[:64]!r}, which is no usable name")


def short(name: str, lab: str) -> str:
    """The node that a container's name means; the name itself where it has not the lab's in it."""
    if lab and name.startswith(f"{lab}-"):
        return name[len(lab) + 1 :] or name
    _, found, rest = name.partition(f"-{lab}-")
    return rest if lab and found and rest else name
