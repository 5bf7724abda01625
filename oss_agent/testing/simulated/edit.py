"""Decides what an edit-config does to a datastore: RFC 6241 section 7.2 over our small schema.

Written apart from the agent's tree code on purpose: two readings of the RFC check each other.
"""

from __future__ import annotations

from oss_agent.testing.simulated import order, payload
from oss_agent.testing.simulated.content import Content, Member, copy
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.place import Place
from oss_agent.testing.simulated.schema import Container, Leaf, List, Node, Schema


def apply(schema: Schema, content: Content, config: Element, default_operation: str) -> Content:
    """A new datastore content: ``content`` with ``config`` carried out, or RpcError."""
    payload.check(schema, config)
    # RFC 6241 7.2: default-operation replace replaces the whole configuration.
    result = {} if default_operation == "replace" else copy(content)
    for element in config.children:
        _edit(result, schema.children[element.name], element, default_operation, Place(schema))
    return result


def _edit(parent: Content, node: Node, element: Element, inherited: str, place: Place) -> None:
    operation = payload.operation(element, inherited)
    member = payload.member(node, element)
    place = place.below(member, node)
    _check_existence(parent, member, operation, place)
    if operation in {"delete", "remove"}:
        parent.pop(member, None)
    elif isinstance(node, Leaf):
        if operation != "none":
            parent[member] = payload.value(node, element)
    else:
        _edit_below(parent, member, node, element, operation, place)
        if isinstance(node, List) and node.ordered_by_user:
            order.put(parent, member, node, element, place)


def _check_existence(parent: Content, member: Member, operation: str, place: Place) -> None:
    exists = member in parent
    if operation == "create" and exists:
        raise place.error("data-exists", "it already exists")
    if operation in {"delete", "none"} and not exists:
        raise place.error("data-missing", "it does not exist")


def _edit_below(
    parent: Content,
    member: Member,
    node: Container | List,
    element: Element,
    operation: str,
    place: Place,
) -> None:
    inner = {} if operation == "replace" else parent.get(member, {})
    if isinstance(inner, str):
        raise TypeError(f"{member[0]} holds text: the datastore is broken")
    parent[member] = inner
    keys = node.keys if isinstance(node, List) else ()
    for child in element.children:
        if child.name not in keys:
            _edit(inner, node.children[child.name], child, operation, place)
