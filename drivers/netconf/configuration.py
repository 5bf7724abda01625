"""Decides how edits and paths become XML, by the platform's schema.

Containers without presence are structure, not configuration (RFC 7950 7.5.1): an edit of one is
carried out on what is in it, so that another owner's nodes in the same container stay untouched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from device_models import model
from drivers.netconf import document, trees
from drivers.netconf.document import Element
from oss_agent.spi import tree
from oss_agent.spi.tree import Edit, Operation, Path, Place, Step, Tree

_OPERATION = f"{{{document.BASE}}}operation"
_YANG = "urn:ietf:params:xml:ns:yang:1"
_PREFIX = "k"
"""Of the namespace of keys in ``yang:key``: an unprefixed name there belongs to no module."""


def edit_config(edits: Sequence[Edit], schema: model.Schema) -> Element:
    """The ``<config>`` of an edit-config that carries out ``edits``, in their order."""
    placed = any(edit.place is not None for edit in edits)
    prefixes = {"nc": document.BASE, **({"yang": _YANG} if placed else {})}
    config = document.element(document.BASE, "config", prefixes)
    for edit in edits:
        for operation, path, node in on_nodes(edit, schema):
            element = _descend(config, path, schema, prefixed=placed)
            _mark(element, operation, node, path, schema)
            if edit.place is not None:
                _place(element, edit.place)
    return config


def text(edits: Sequence[Edit], schema: model.Schema) -> str:
    """The ``<config>`` of ``edits``, indented, for people; "" for no edits."""
    if not edits:
        return ""
    config = edit_config(edits, schema)
    etree.indent(config)
    return etree.tostring(config, encoding="unicode") + "\n"


def default_operation(edits: Sequence[Edit]) -> str:
    """``none`` unless something is created: a vanished parent is then an error, not recreated."""
    return "merge" if any(edit.operation is Operation.CREATE for edit in edits) else "none"


def subtree_filter(paths: Sequence[Path], schema: model.Schema) -> Element:
    """The filter that selects ``paths``, none below another; of the root, all the schema knows."""
    selection = document.base("filter")
    selection.set("type", "subtree")
    whole = [(Step(name),) for name in schema.namespaces]
    for path in dict.fromkeys(_selecting(one) for one in (whole if () in paths else paths)):
        _descend(selection, path, schema)
    return selection


def _selecting(path: Path) -> Path:
    """Of a leaf-list all its values: in a filter one is a condition for all beside it (RFC 6241 6.2.5)."""
    if path and any(name == "." for name, _ in path[-1].keys):
        return (*path[:-1], Step(path[-1].name))
    return path


def on_nodes(edit: Edit, schema: model.Schema) -> Iterator[tuple[Operation, Path, Tree]]:
    """An edit of a mere container as edits of what is in it; any other as it is."""
    node = edit.was if edit.operation is Operation.DELETE else edit.node
    if edit.operation is Operation.MOVE:
        node = Tree(edit.path[-1])
    if node is None:
        raise ValueError(f"{edit.operation} of {tree.path_text(edit.path)} says not what")
    yield from _spread(edit.operation, edit.path, node, schema)


def _spread(
    operation: Operation, path: Path, node: Tree, schema: model.Schema
) -> Iterator[tuple[Operation, Path, Tree]]:
    if path and trees.schema_path(path) not in schema.containers:
        yield operation, path, node
        return
    for child in node.children:
        yield from _spread(operation, (*path, child.step), child, schema)


def _descend(top: Element, path: Path, schema: model.Schema, *, prefixed: bool = False) -> Element:
    """The element at ``path`` below ``top``, made where it is missing, keys included."""
    element = top
    for depth, step in enumerate(path, 1):
        below = _find(element, step) if depth < len(path) else None
        if below is None:
            prefixes = {_PREFIX: _namespace(path, schema)} if prefixed and depth == 1 else {}
            below = _append(element, step, _namespace(path, schema), prefixes)
        element = below
    return element


def _find(parent: Element, step: Step) -> Element | None:
    """An element of this step made before; of what is marked only an entry that moves is shared."""
    for element in parent:
        if document.local(element) == step.name and element.get(_OPERATION) in {None, "merge"}:
            keys = {document.local(e): document.content(e) for e in element}
            if all(keys.get(name) == value for name, value in step.keys):
                return element
    return None


def _append(
    parent: Element, step: Step, namespace: str, prefixes: dict[str, str] | None = None
) -> Element:
    element = document.element(namespace, step.name, prefixes)
    parent.append(element)
    for name, value in step.keys:
        if name == ".":
            element.text = value
        else:
            etree.SubElement(element, f"{{{namespace}}}{name}").text = value
    return element


def _mark(
    element: Element, operation: Operation, node: Tree, path: Path, schema: model.Schema
) -> None:
    moves = operation is Operation.MOVE
    element.set(_OPERATION, "merge" if moves else operation.value)
    if operation is not Operation.DELETE:
        _fill(element, node, _namespace(path, schema))


def _place(element: Element, place: Place) -> None:
    """RFC 7950 7.8.6 and 7.7.9."""
    if place.after is None:
        element.set(f"{{{_YANG}}}insert", "first")
        return
    element.set(f"{{{_YANG}}}insert", "after")
    keys = dict(place.after.keys)
    if "." in keys:
        element.set(f"{{{_YANG}}}value", keys["."])
        return
    tests = (f"[{_PREFIX}:{name}={_literal(value)}]" for name, value in keys.items())
    element.set(f"{{{_YANG}}}key", "".join(tests))


def _literal(value: str) -> str:
    """XPath 1.0 has no escapes: one kind of quote, or ValueError."""
    if "'" not in value:
        return f"'{value}'"
    if '"' in value:
        raise ValueError(f"the key {value!r} holds both kinds of quotes: no place can name it")
    return f'"{value}"'


def _fill(element: Element, node: Tree, namespace: str) -> None:
    if node.value is not None:
        element.text = node.value
    for child in _in_order(node):
        _fill(_append(element, child.step, namespace), child, namespace)


def _in_order(node: Tree) -> Iterator[Tree]:
    """The children, those of lists that users order as they follow one another."""
    yield from (child for child in node.children if child.step not in node.order)
    yield from (child for step in node.order if (child := node.child(step)) is not None)


def _namespace(path: Path, schema: model.Schema) -> str:
    try:
        return schema.namespaces[path[0].name]
    except KeyError:
        known = ", ".join(sorted(schema.namespaces))
        raise trees.Mismatch(
            f"{tree.path_text(path)} is not in the platform's schema, which knows: {known}"
        ) from None
