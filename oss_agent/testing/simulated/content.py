"""Decides what a datastore holds and how it becomes XML.

A container or list entry is a dict from (name, key values) to a leaf's text or a further dict.
Insertion order is kept: clients must not rely on any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TypeAlias
from xml.sax.saxutils import escape

from oss_agent.testing.simulated.schema import Leaf, List, Node, Schema

Member: TypeAlias = tuple[str, tuple[str, ...]]
Content: TypeAlias = "dict[Member, str | Content]"


def copy(content: Content) -> Content:
    """A deep copy."""
    return {m: v if isinstance(v, str) else copy(v) for m, v in content.items()}


def prune(content: Content) -> Content:
    """Without the empty non-presence containers: they exist or not, nobody can tell."""
    pruned: Content = {}
    for (name, keys), value in content.items():
        kept = value if isinstance(value, str) else prune(value)
        if keys or kept or isinstance(kept, str):
            pruned[name, keys] = kept
    return pruned


def render(schema: Schema, content: Content) -> str:
    """The top-level elements as XML text, each with the module's namespace; key leaves first."""
    return "".join(
        _element(member, value, schema.children[member[0]], f' xmlns="{schema.namespace}"')
        for member, value in content.items()
    )


def _element(member: Member, value: str | Content, node: Node, declared: str = "") -> str:
    name, keys = member
    if isinstance(value, str):
        return f"<{name}{declared}>{escape(value)}</{name}>"
    if isinstance(node, Leaf):
        raise TypeError(f"{name} is a leaf with children")
    named = zip(node.keys, keys, strict=True) if isinstance(node, List) else ()
    inner = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in named)
    inner += "".join(_element(m, v, node.children[m[0]]) for m, v in value.items())
    return f"<{name}{declared}>{inner}</{name}>"


def canonical(schema: Schema, content: Content) -> str:
    """Equal text for equal configurations: siblings sorted, empty containers gone."""
    return render(schema, _sorted(prune(content), schema.children))


def _sorted(content: Content, nodes: Mapping[str, Node]) -> Content:
    def by(item: tuple[Member, str | Content]) -> Member:
        (name, keys), node = item[0], nodes[item[0][0]]
        # The sort is stable: without its keys an entry stays where the user put it.
        return name, () if isinstance(node, List) and node.ordered_by_user else keys

    return {
        member: value if isinstance(value, str) else _sorted(value, _below(nodes[member[0]]))
        for member, value in sorted(content.items(), key=by)
    }


def _below(node: Node) -> Mapping[str, Node]:
    return {} if isinstance(node, Leaf) else node.children


def halfway(before: Content, after: Content) -> Content:
    """``before`` with the first difference of ``after`` carried out and no more."""
    for member in (*after, *before):
        old, new = before.get(member), after.get(member)
        if old == new:
            continue
        if not member[1] and isinstance(old, dict) and isinstance(new, dict):
            return {**before, member: halfway(old, new)}
        if new is None:
            return {m: v for m, v in before.items() if m != member}
        if not member[1] and isinstance(new, dict):
            return {**before, member: halfway({}, new)}
        return {**before, member: new}
    return before


def digest(text: str) -> str:
    """SHA-256 hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def instances(
    content: Content, path: tuple[str, ...], above: tuple[Member, ...] = ()
) -> Iterator[tuple[tuple[Member, ...], str | Content]]:
    """Every node whose names from the root are ``path``, with its members from the root."""
    for member, value in content.items():
        here = (*above, member)
        if member[0] != path[0]:
            continue
        if len(path) == 1:
            yield here, value
        elif not isinstance(value, str):
            yield from instances(value, path[1:], here)
