"""Decides what a topology file (``*.clab.yml``) says, as containerlab reads it. Pure.

A node takes what it does not say itself from its group, then its kind, then the defaults. Labels of
all four are put together; a login is taken whole from the most specific that has one. A template,
and a value that holds a variable, is refused where it is needed: what it was when the lab was
deployed, the file does not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inventory.containerlab import containerlab_names
from inventory.containerlab.containerlab_kinds import Kinds
from inventory.containerlab.containerlab_said import Link, Login, Node, Said
from inventory.words import documents, grammar

FORM: Final = "containerlab topology file"

_MAX_LINKS: Final = 50_000
_ENDS: Final = 2
_PREFIX: Final = "clab"
_NO_PREFIX: Final = "__lab-name"
_ONE_ENDED: Final = frozenset(
    {"mgmt-net", "macvlan", "host", "vxlan", "vxlan-stitched", "dummy", "veth-stitched"}
)
_TWO_ENDED: Final = frozenset({"", "veth", "veth-stitched"})


def refuse_template(file: str, text: str) -> None:
    """OrderRejected where containerlab would render the text before it reads it."""
    if "{{" in text or file.endswith(".gotmpl"):
        raise documents.refusal(
            file,
            "is a template, and its values are not in it: import the lab directory that deploying "
            "it made, or the topology file with everything written out",
        )


def is_one(data: Mapping[str, Any]) -> bool:
    """Told by its shape alone."""
    return isinstance(data.get("topology"), dict)


def read(file: str, data: Mapping[str, Any], kinds: Kinds) -> Said:
    """What the file says. OrderRejected where it is no topology of containerlab's."""
    topology = documents.mapping(data, "topology")
    lab = containerlab_names.lab(file, _plain(file, "name", documents.text(data, "name")))
    written = {k: {} if v is None else v for k, v in documents.mapping(topology, "nodes").items()}
    nodes = containerlab_names.nodes(file, {"nodes": written})
    levels = _Levels(topology)
    prefix = data.get("prefix", _PREFIX)
    prefix = prefix if isinstance(prefix, str) else ""
    return Said(
        file,
        FORM,
        {
            name: _node(name, node, levels, _long(prefix, lab, name), kinds)
            for name, node in nodes.items()
        },
        lab,
        tuple(_links(file, topology, nodes)),
    )


class _Levels:
    """What groups, kinds and the defaults of a topology say."""

    def __init__(self, topology: Mapping[str, Any]) -> None:
        self._defaults = documents.mapping(topology, "defaults")
        self._kinds = documents.mapping(topology, "kinds")
        self._groups = documents.mapping(topology, "groups")

    def of(self, node: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """The node and what it inherits from, the most specific first."""
        group = documents.mapping(self._groups, documents.text(node, "group"))
        named = (documents.text(one, "kind") for one in (node, group, self._defaults))
        kind = documents.mapping(self._kinds, next(filter(None, named), ""))
        if not documents.text(node, "group"):
            wish = documents.text(kind, "group") or documents.text(self._defaults, "group")
            group = documents.mapping(self._groups, wish)
        return (node, group, kind, self._defaults)


def _node(
    name: str, node: Mapping[str, Any], levels: _Levels, long_name: str, kinds: Kinds
) -> Node:
    every = levels.of(node)
    kind = _first(every, "kind")
    addresses = tuple(
        one for key in ("mgmt-ipv4", "mgmt-ipv6") if (one := documents.text(node, key))
    )
    labels: dict[str, str] = {}
    for level in reversed(every):
        labels |= {
            key: "" if value is None else value
            for key, value in documents.mapping(level, "labels").items()
            if value is None or isinstance(value, str)
        }
    login = next(filter(None, (documents.mapping(one, "credentials") for one in every)), {})
    used = (kind, *addresses, *labels.values(), *map(str, login.values()))
    return Node(
        long_name,
        kinds.meant(kind),
        addresses,
        Login(documents.text(login, "username"), documents.text(login, "password") or None),
        labels,
        trouble=f"what is needed of {name} holds a variable (${{…}}): write it out"
        if any("${" in one for one in used)
        else "",
    )


def _first(levels: tuple[Mapping[str, Any], ...], key: str) -> str:
    return next(filter(None, (documents.text(level, key) for level in levels)), "")


def _long(prefix: str, lab: str, name: str) -> str:
    if not prefix:
        return name
    return f"{lab}-{name}" if prefix == _NO_PREFIX else f"{prefix}-{lab}-{name}"


def _plain(file: str, what: str, value: str) -> str:
    if "${" in value:
        raise documents.refusal(file, f"has a variable in its {what}: write it out")
    return value


def _links(file: str, topology: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[Link]:
    links = topology.get("links") or []
    if not isinstance(links, list) or len(links) > _MAX_LINKS:
        raise documents.refusal(file, f"has no list 'links' of at most {_MAX_LINKS} links")
    for number, link in enumerate(links):
        ends = _ends(file, link, number)
        (a_node, a_port), (z_node, z_port) = ends if ends is not None else (("", ""), ("", ""))
        # the far end may be the machine, its bridge or a macvlan: no node of the lab
        if a_node in nodes and z_node in nodes:
            yield Link(a_node, a_port, z_node, z_port)


def _ends(file: str, link: object, number: int) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """Both ends; None of a link that has one."""
    told = link if isinstance(link, dict) else {}
    kind, ends = documents.text(told, "type"), told.get("endpoints")
    if kind in _ONE_ENDED and not isinstance(ends, list):
        return None
    if kind not in _TWO_ENDED or not isinstance(ends, list) or len(ends) != _ENDS:
        raise documents.refusal(
            file,
            f"has a link (number {number}) that is none of containerlab's: two endpoints, or "
            f"a type of {', '.join(sorted(_ONE_ENDED))}",
        )
    a, z = (_end(file, end, number) for end in ends)
    return a, z


def _end(file: str, end: object, number: int) -> tuple[str, str]:
    if isinstance(end, dict):
        node, port = documents.text(end, "node"), documents.text(end, "interface")
    else:
        node, _, port = end.partition(":") if isinstance(end, str) else ("", "", "")
    if not grammar.is_device(node) or not grammar.is_port(port):
        raise documents.refusal(
            file, f"has a link (number {number}) with the end {f'{node}:{port}'[:128]!r}"
        )
    return node, port
