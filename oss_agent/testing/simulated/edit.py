"""Decides what an edit-config does to a datastore: RFC 6241 section 7.2 over our small schema.

Written apart from the agent's tree code on purpose: two readings of the RFC check each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from oss_agent.testing.simulated.content import Content, Member, copy
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.namespaces import BASE
from oss_agent.testing.simulated.rpc_error import RpcError
from oss_agent.testing.simulated.schema import Container, Leaf, List, Node, Schema

_OPERATION = f"{{{BASE}}}operation"
_OPERATIONS = frozenset({"merge", "replace", "create", "delete", "remove"})


def apply(schema: Schema, content: Content, config: Element, default_operation: str) -> Content:
    """A new datastore content: ``content`` with ``config`` carried out, or RpcError."""
    # RFC 6241 7.2: default-operation replace replaces the whole configuration.
    result = {} if default_operation == "replace" else copy(content)
    place = _Place(schema)
    for element in config.children:
        if element.namespace != schema.namespace:
            raise _unknown_namespace(element)
        node = schema.children.get(element.name)
        if node is None:
            raise place.unknown(element)
        _edit(result, node, element, default_operation, place)
    return result


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an edit is, for error-path."""

    schema: Schema
    path: str = ""

    def below(self, member: Member, node: Node) -> _Place:
        prefix = self.schema.prefix
        keys = zip(node.keys, member[1], strict=True) if isinstance(node, List) else ()
        tests = "".join(f"[{prefix}:{key}='{value}']" for key, value in keys)
        return replace(self, path=f"{self.path}/{prefix}:{member[0]}{tests}")

    def error(self, tag: str, message: str, *info: tuple[str, str]) -> RpcError:
        prefixes = [(self.schema.prefix, self.schema.namespace)]
        return RpcError(tag, message, path=self.path, info=info, prefixes=prefixes)

    def unknown(self, element: Element) -> RpcError:
        name = element.name
        return self.error("unknown-element", f"no element {name} here", ("bad-element", name))


def _edit(parent: Content, node: Node, element: Element, inherited: str, place: _Place) -> None:
    operation = _operation(element, inherited, place)
    member = (element.name, _keys(node, element, place))
    place = place.below(member, node)
    _check_existence(parent, member, operation, place)
    if operation in {"delete", "remove"}:
        parent.pop(member, None)
    elif isinstance(node, Leaf):
        _set_leaf(parent, member, node, element, operation, place)
    else:
        _edit_below(parent, member, node, element, operation, place)


def _operation(element: Element, inherited: str, place: _Place) -> str:
    given = element.attributes.get(_OPERATION)
    if given is None:
        return inherited
    if given not in _OPERATIONS:
        info = ("bad-attribute", "operation"), ("bad-element", element.name)
        raise place.error("bad-attribute", f"no operation {given!r}", *info)
    return given


def _keys(node: Node, element: Element, place: _Place) -> tuple[str, ...]:
    if not isinstance(node, List):
        return ()
    return tuple(_key(node, key, element, place) for key in node.keys)


def _key(node: List, key: str, element: Element, place: _Place) -> str:
    found = [child for child in element.children if child.name == key]
    if not found:
        raise place.error("missing-element", f"key {key} is missing", ("bad-element", key))
    leaf = node.children[key]
    if not isinstance(leaf, Leaf):
        raise TypeError(f"key {key} is no leaf: the schema is wrong")
    return _value(leaf, found[0], place.below((element.name, ()), leaf).below((key, ()), leaf))


def _check_existence(parent: Content, member: Member, operation: str, place: _Place) -> None:
    exists = member in parent
    if operation == "create" and exists:
        raise place.error("data-exists", "it already exists")
    if operation in {"delete", "none"} and not exists:
        raise place.error("data-missing", "it does not exist")


def _set_leaf(
    parent: Content, member: Member, node: Leaf, element: Element, operation: str, p: _Place
) -> None:
    if operation != "none":
        parent[member] = _value(node, element, p)


def _edit_below(
    parent: Content,
    member: Member,
    node: Container | List,
    element: Element,
    operation: str,
    place: _Place,
) -> None:
    inner = {} if operation == "replace" else parent.get(member, {})
    if isinstance(inner, str):
        raise TypeError(f"{member[0]} holds text: the datastore is broken")
    if element.words:
        raise place.error("unknown-element", "text where only elements may be")
    parent[member] = inner
    for child in element.children:
        if child.namespace != place.schema.namespace:
            raise _unknown_namespace(child)
        below = node.children.get(child.name)
        if below is None:
            raise place.unknown(child)
        if not (isinstance(node, List) and child.name in node.keys):
            _edit(inner, below, child, operation, place)


def _value(leaf: Leaf, element: Element, place: _Place) -> str:
    if element.children:
        raise place.unknown(element.children[0])
    try:
        return leaf.type.read(element.text)
    except ValueError as reason:
        raise place.error("invalid-value", f"{element.name} {reason}") from reason


def _unknown_namespace(element: Element) -> RpcError:
    return RpcError(
        "unknown-namespace",
        f"no module has namespace {element.namespace}",
        info=[("bad-element", element.name), ("bad-namespace", str(element.namespace))],
    )
