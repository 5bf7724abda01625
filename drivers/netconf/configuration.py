"""Decides how trees and edits become XML and how XML becomes a tree, by the platform's schema.

Containers without presence are structure, not configuration (RFC 7950 7.5.1): an edit of one is
carried out on what is in it, so that another owner's nodes in the same container stay untouched,
and an empty one is read as none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from device_models import model
from drivers.netconf import document
from drivers.netconf.document import Element
from oss_agent.spi import tree
from oss_agent.spi.tree import Edit, Operation, Path, Step, Tree

_OPERATION = f"{{{document.BASE}}}operation"
_DEEPEST = 64


class Mismatch(Exception):
    """The device's configuration and the platform's schema do not fit each other."""


def schema_path(path: Iterable[Step]) -> str:
    """``services/eline``: the names of a path, without keys."""
    return "/".join(step.name for step in path)


def edit_config(edits: Sequence[Edit], schema: model.Schema) -> Element:
    """The ``<config>`` of an edit-config that carries out ``edits``, in their order."""
    config = document.element(document.BASE, "config", {"nc": document.BASE})
    for edit in edits:
        for operation, path, node in _on_nodes(edit, schema):
            _mark(_descend(config, path, schema), operation, node, path, schema)
    return config


def default_operation(edits: Sequence[Edit]) -> str:
    """``none`` unless something is created: a vanished parent is then an error, not recreated."""
    return "merge" if any(edit.operation is Operation.CREATE for edit in edits) else "none"


def subtree_filter(path: Path, schema: model.Schema) -> Element:
    """The filter that selects ``path``; of the root, everything the schema knows."""
    selection = document.base("filter")
    selection.set("type", "subtree")
    for one in [path] if path else [(Step(name),) for name in schema.namespaces]:
        _descend(selection, one, schema)
    return selection


def read(data: Element, schema: model.Schema) -> Tree:
    """The tree of a ``<data>`` element, as far as the schema knows its top nodes.

    Raises Mismatch when a list entry lacks its keys or two nodes cannot be told apart.
    """
    known = [e for e in data if schema.namespaces.get(document.local(e)) == document.namespace(e)]
    try:
        return Tree(tree.ROOT, children=tuple(_nodes(known, (), schema)))
    except ValueError as wrong:
        raise Mismatch(str(wrong)) from wrong


def only(root: Tree, path: Path) -> Tree:
    """``root`` with nothing but what is at ``path``; without it when it is absent."""
    if not path:
        return root
    found = root.child(path[0])
    kept = None if found is None else only(found, path[1:])
    if kept is None or (len(path) > 1 and not kept.children):
        return Tree(root.step)
    return Tree(root.step, children=(kept,))


def _on_nodes(edit: Edit, schema: model.Schema) -> Iterator[tuple[Operation, Path, Tree]]:
    """An edit of a mere container as edits of what is in it; any other as it is."""
    node = edit.was if edit.operation is Operation.DELETE else edit.node
    if node is None:
        raise ValueError(f"{edit.operation} of {tree.path_text(edit.path)} says not what")
    yield from _spread(edit.operation, edit.path, node, schema)


def _spread(
    operation: Operation, path: Path, node: Tree, schema: model.Schema
) -> Iterator[tuple[Operation, Path, Tree]]:
    if path and schema_path(path) not in schema.containers:
        yield operation, path, node
        return
    for child in node.children:
        yield from _spread(operation, (*path, child.step), child, schema)


def _descend(top: Element, path: Path, schema: model.Schema) -> Element:
    """The element at ``path`` below ``top``, made where it is missing, keys included."""
    element = top
    for depth, step in enumerate(path, 1):
        below = _find(element, step) if depth < len(path) else None
        element = _append(element, step, _namespace(path, schema)) if below is None else below
    return element


def _find(parent: Element, step: Step) -> Element | None:
    """An element of this step made before; only structure is shared, never what is marked."""
    for element in parent:
        if document.local(element) == step.name and element.get(_OPERATION) is None:
            keys = {document.local(e): document.content(e) for e in element}
            if all(keys.get(name) == value for name, value in step.keys):
                return element
    return None


def _append(parent: Element, step: Step, namespace: str) -> Element:
    element = document.element(namespace, step.name)
    parent.append(element)
    for name, value in step.keys:
        etree.SubElement(element, f"{{{namespace}}}{name}").text = value
    return element


def _mark(
    element: Element, operation: Operation, node: Tree, path: Path, schema: model.Schema
) -> None:
    element.set(_OPERATION, operation.value)
    if operation is not Operation.DELETE:
        _fill(element, node, _namespace(path, schema))


def _fill(element: Element, node: Tree, namespace: str) -> None:
    if node.value is not None:
        element.text = node.value
    for child in node.children:
        _fill(_append(element, child.step, namespace), child, namespace)


def _namespace(path: Path, schema: model.Schema) -> str:
    try:
        return schema.namespaces[path[0].name]
    except KeyError:
        known = ", ".join(sorted(schema.namespaces))
        raise Mismatch(
            f"{tree.path_text(path)} is not in the platform's schema, which knows: {known}"
        ) from None


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
        return Tree(step, children=tuple(_nodes(children, names, schema)))
    return Tree(step, document.content(element))


def _keys(element: Element, names: Sequence[str], path: str) -> tuple[tuple[str, str], ...]:
    found = {document.local(e): document.content(e) for e in element}
    missing = [name for name in names if name not in found]
    if missing:
        raise Mismatch(f"an entry of {path} came without its key {', '.join(missing)}")
    return tuple((name, found[name]) for name in names)
