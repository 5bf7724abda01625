"""Decides what topology-data.json says: nodes, kinds, addresses, labels, links; of every age. Pure.

The present template has each link's ends under "endpoints", the older one beside each other. It
holds no logins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inventory.containerlab import containerlab_names
from inventory.containerlab.containerlab_kinds import Kinds
from inventory.containerlab.containerlab_said import Link, Node, Said
from inventory.words import documents, grammar

NOW: Final = "containerlab's topology data"
OLDER: Final = "containerlab's topology data, an older form"

_MAX_LINKS: Final = 50_000


def read(file: str, data: Mapping[str, Any], kinds: Kinds) -> Said:
    """What the file says. OrderRejected where its shape is another."""
    nodes = containerlab_names.nodes(file, data)
    links, older = _links(file, data, nodes)
    return Said(
        file,
        OLDER if older else NOW,
        {name: _node(node, kinds) for name, node in nodes.items()},
        containerlab_names.lab(file, data.get("name")),
        links,
    )


def _node(node: Mapping[str, Any], kinds: Kinds) -> Node:
    labels = node.get("labels") or {}
    usable = isinstance(labels, dict) and all(isinstance(v, str) for v in labels.values())
    families = (documents.text(node, f"mgmt-{family}-address") for family in ("ipv4", "ipv6"))
    return Node(
        documents.text(node, "longname"),
        kinds.meant(documents.text(node, "kind")),
        tuple(one for one in families if one),
        labels=labels if usable else {},
        trouble="" if usable else "its labels are not a mapping of text to text",
    )


def _links(
    file: str, data: Mapping[str, Any], nodes: Mapping[str, Any]
) -> tuple[tuple[Link, ...], bool]:
    links = data.get("links")
    links = [] if links is None else links
    if not isinstance(links, list) or len(links) > _MAX_LINKS:
        raise documents.refusal(file, f"has no list 'links' of at most {_MAX_LINKS} links")
    older = any(isinstance(link, dict) and "endpoints" not in link for link in links)
    return tuple(_between(file, links, nodes)), older


def _between(file: str, links: list[Any], nodes: Mapping[str, Any]) -> Iterator[Link]:
    for number, link in enumerate(links):
        ends = link.get("endpoints", link) if isinstance(link, dict) else None
        if not isinstance(ends, dict):
            raise documents.refusal(file, f"has a link (number {number}) that is no object")
        a, z = _end(file, ends.get("a"), number), _end(file, ends.get("z"), number)
        # One-ended links (host, mgmt-net, dummy) end at no node of the lab.
        if a is not None and z is not None and a[0] in nodes and z[0] in nodes:
            yield Link(*a, *z)


def _end(file: str, end: object, number: int) -> tuple[str, str] | None:
    if not isinstance(end, dict):
        return None
    node, port = end.get("node"), end.get("interface")
    if not isinstance(node, str) or not isinstance(port, str):
        return None
    if not grammar.is_device(node) or not grammar.is_port(port):
        raise documents.refusal(
            file, f"has a link (number {number}) with the end {f'{node}:{port}'[:128]!r}"
        )
    return node, port
