"""Decides whether an edit's payload fits the schema, before anything is touched (RFC 7950 8.3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from oss_agent.testing.simulated.content import Member
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.namespaces import BASE
from oss_agent.testing.simulated.place import Place
from oss_agent.testing.simulated.rpc_error import RpcError
from oss_agent.testing.simulated.schema import Leaf, List, Node, Schema

_OPERATION = f"{{{BASE}}}operation"
_OPERATIONS = frozenset({"merge", "replace", "create", "delete", "remove"})
_REMOVALS = frozenset({"delete", "remove"})


def check(schema: Schema, config: Element) -> None:
    """RpcError about the first element below ``config`` that does not fit."""
    _check_children(config, schema.children, Place(schema))


def operation(element: Element, inherited: str) -> str:
    """The element's own operation, else the one from above."""
    return element.attributes.get(_OPERATION, inherited)


def member(node: Node, element: Element) -> Member:
    """Which node a (checked) element means."""
    if not isinstance(node, List):
        return element.name, ()
    found = {child.name: child for child in element.children}
    return element.name, tuple(value(node.children[key], found[key]) for key in node.keys)


def value(leaf: Node, element: Element) -> str:
    """The canonical text of a leaf's element; ValueError when it does not fit."""
    if not isinstance(leaf, Leaf):
        raise TypeError(f"{element.name} is no leaf: the schema is wrong")
    return leaf.type.read(element.text)


def _check_children(element: Element, nodes: Mapping[str, Node], place: Place) -> None:
    for child in element.children:
        if child.namespace != place.schema.namespace:
            raise _unknown_namespace(child)
        node = nodes.get(child.name)
        if node is None:
            raise _unknown(child, place)
        _check(child, node, place)


def _check(element: Element, node: Node, place: Place) -> None:
    given = operation(element, "")
    if given and given not in _OPERATIONS:
        info = ("bad-attribute", "operation"), ("bad-element", element.name)
        raise place.error("bad-attribute", f"no operation {given!r}", *info)
    if isinstance(node, Leaf):
        _check_leaf(element, node, place.below((element.name, ()), node))
        return
    if isinstance(node, List):
        _check_keys(element, node, place)
    here = place.below(member(node, element), node)
    if element.words:
        raise here.error("unknown-element", "text where only elements may be")
    _check_children(element, node.children, here)


def _check_keys(element: Element, node: List, place: Place) -> None:
    here = place.below((element.name, ()), node)
    for key in node.keys:
        found = [child for child in element.children if child.name == key]
        if not found:
            raise here.error("missing-element", f"key {key} is missing", ("bad-element", key))
        _check_leaf(found[0], node.children[key], here.below((key, ()), node.children[key]))


def _check_leaf(element: Element, node: Node, here: Place) -> None:
    if element.children:
        raise _unknown(element.children[0], here)
    if operation(element, "") in _REMOVALS and not element.text:
        return
    try:
        value(node, element)
    except ValueError as reason:
        raise here.error("invalid-value", f"{element.name} {reason}") from reason


def _unknown(element: Element, place: Place) -> RpcError:
    info = ("bad-element", element.name)
    return place.error("unknown-element", f"no element {element.name} here", info)


def _unknown_namespace(element: Element) -> RpcError:
    return RpcError(
        "unknown-namespace",
        f"no module has namespace {element.namespace}",
        info=[("bad-element", element.name), ("bad-namespace", str(element.namespace))],
    )
