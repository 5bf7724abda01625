"""Decides what a subtree filter keeps: RFC 6241 section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oss_agent.testing.simulated.content import Content, Member, copy
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.schema import Container, Leaf, List, Node, Schema


def select(schema: Schema, content: Content, filters: Sequence[Element]) -> Content:
    """What the filter elements keep of ``content``, together."""
    kept: Content = {}
    for element in filters:
        # RFC 6241 6.2.1: a filter element without namespace matches any.
        if element.namespace in {schema.namespace, None}:
            _keep(kept, content, schema.children, element)
    return kept


def _keep(kept: Content, content: Content, nodes: Mapping[str, Node], element: Element) -> None:
    for member, value in content.items():
        if member[0] == element.name:
            _keep_member(kept, member, value, nodes[element.name], element)


def _keep_member(
    kept: Content, member: Member, value: str | Content, node: Node, element: Element
) -> None:
    if isinstance(value, str) or isinstance(node, Leaf):
        kept[member] = value
        return
    below = element.children
    matches = [child for child in below if child.words and not child.children]
    if not all(_leaf(member, value, node, child.name) == child.words for child in matches):
        return
    if len(matches) == len(below):
        kept[member] = copy(value)
        return
    inner = kept.get(member, {})
    if not isinstance(inner, str):
        for child in below:
            _keep(inner, value, node.children, child)
        if inner or member[1]:
            kept[member] = inner


def _leaf(member: Member, value: Content, node: Container | List, name: str) -> str:
    if isinstance(node, List) and name in node.keys:
        return member[1][node.keys.index(name)]
    found = value.get((name, ()), "")
    return found if isinstance(found, str) else ""
