"""Decides how XML becomes a tree, by the platform's schema.

Containers without presence are structure, not configuration (RFC 7950 7.5.1): an empty one is read
as none. Entries of lists that users order keep their order; the value of a leaf-list is its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from device_models import model
from drivers.netconf import document
from drivers.netconf.document import Element
from oss_agent.spi import tree
from oss_agent.spi.tree import Step, Tree

_DEEPEST = 64


class Mismatch(Exception):
    """The device's configuration and the platform's schema do not fit each other."""


def schema_path(path: Iterable[Step]) -> str:
    """``services/eline``: the names of a path, without keys."""
    return "/".join(step.name for step in path)


def read(data: Element, schema: model.Schema) -> Tree:
    """The tree of a ``<data>`` element, as far as the schema knows its top nodes.

    Raises Mismatch when a list entry lacks its keys or two nodes cannot be told apart.
    """
    known = [e for e in data if schema.namespaces.get(document.local(e)) == document.namespace(e)]
    try:
        return _parent(tree.ROOT, tuple(_nodes(known, (), schema)), (), schema)
    except ValueError as wrong:
        raise Mismatch(str(wrong)) from wrong


def _parent(
    step: Step, children: tuple[Tree, ...], names: tuple[str, ...], schema: model.Schema
) -> Tree:
    ordered = schema.ordered_by_user
    order = tuple(c.step for c in children if "/".join((*names, c.step.name)) in ordered)
    return Tree(step, children=children, order=order)


def _nodes(
    elements: Iterable[Element], above: tuple[str, ...], schema: model.Schema
) -> Iterator[Tree]:
    for element in elements:
        node = _node(element, (*above, document.local(element)), schema)
        if node.value is not None or node.children or node.step.keys:
            yield node


def _node(element: Element, names: tuple[str, ...], schema: model.Schema) -> Tree:
    path = "/".join(names)
    if len(names) > _DEEPEST:
        raise Mismatch(f"{path} is nested too deep")
    keys = _keys(element, schema.lists.get(path, ()), path)
    key_names = {name for name, _ in keys}
    children = [e for e in element if document.local(e) not in key_names]
    step = Step(names[-1], keys)
    if children or keys or path in schema.containers:
        return _parent(step, tuple(_nodes(children, names, schema)), names, schema)
    return Tree(step, document.content(element))


def _keys(element: Element, names: Sequence[str], path: str) -> tuple[tuple[str, str], ...]:
    found = {document.local(e): document.content(e) for e in element}
    found["."] = document.content(element)
    missing = [name for name in names if name not in found]
    if missing:
        raise Mismatch(f"an entry of {path} came without its key {', '.join(missing)}")
    return tuple((name, found[name]) for name in names)
