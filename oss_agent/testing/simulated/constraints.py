"""Decides whether a whole configuration is valid: what RFC 6020 section 8 judges at commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oss_agent.testing.simulated.content import Content, Member, instances
from oss_agent.testing.simulated.place import Place
from oss_agent.testing.simulated.schema import Ceiling, Container, Leaf, List, Node, Schema


def check(schema: Schema, content: Content, ceilings: Sequence[Ceiling]) -> None:
    """Raise the first RpcError of mandatory leaves, unique leaves and this device's ceilings."""
    _check_below(schema, content, schema.children, ())
    for ceiling in ceilings:
        for where, value in instances(content, ceiling.path):
            if isinstance(value, str) and int(value) > ceiling.maximum:
                raise _place(schema, where).error("invalid-value", ceiling.message)


def _check_below(
    schema: Schema, content: Content, nodes: Mapping[str, Node], above: tuple[Member, ...]
) -> None:
    for name, node in nodes.items():
        if isinstance(node, List):
            _check_unique(schema, content, name, node, above)
    for member, value in content.items():
        node = nodes[member[0]]
        if isinstance(node, List | Container) and not isinstance(value, str):
            here = (*above, member)
            _check_mandatory(schema, value, node, here)
            _check_below(schema, value, node.children, here)


def _check_mandatory(
    schema: Schema, value: Content, node: List | Container, here: tuple[Member, ...]
) -> None:
    for name, leaf in node.children.items():
        if isinstance(leaf, Leaf) and leaf.mandatory and (name, ()) not in value:
            where = (*here, (name, ()))
            raise _place(schema, where).error("data-missing", f"{name} is mandatory")


def _check_unique(
    schema: Schema, content: Content, name: str, node: List, above: tuple[Member, ...]
) -> None:
    for leaf in node.unique:
        seen: set[str] = set()
        for member, value in content.items():
            text = value.get((leaf, ())) if not isinstance(value, str) else None
            if member[0] != name or not isinstance(text, str):
                continue
            if text in seen:
                raise _place(schema, (*above, member, (leaf, ()))).error(
                    "operation-failed",
                    f"{leaf} {text} is already used by another {name}",
                    app_tag="data-not-unique",
                )
            seen.add(text)


def _place(schema: Schema, where: tuple[Member, ...]) -> Place:
    place, nodes = Place(schema), schema.children
    for member in where:
        node = nodes[member[0]]
        place = place.below(member, node)
        nodes = {} if isinstance(node, Leaf) else node.children
    return place
