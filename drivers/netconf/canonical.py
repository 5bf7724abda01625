"""Decides the text in which two configurations are compared, byte for byte.

The data of a ``<data>`` element, one node a line, indented: prefixes, attributes, comments and white
space between nodes do not count, nodes of different names are sorted, entries of keyed lists by
their keys (unless ordered-by-user), empty non-presence containers are none (RFC 7950 7.5.1),
volatile paths are left out. Lists that the schema does not know keep the device's order.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from device_models import model
from drivers.netconf import document
from drivers.netconf.document import Element


def text(data: Element, schema: model.Schema) -> str:
    """The canonical text, "" for no configuration at all."""
    return "".join(f"{line}\n" for line in _nodes(data, (), "", schema))


def difference(before: str, after: str) -> str:
    """What changes from one canonical text to the other, as a unified diff; "" when nothing."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "running", "candidate", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def _nodes(
    parent: Element, above: tuple[str, ...], outer: str, schema: model.Schema
) -> Iterator[str]:
    for element in sorted(parent, key=lambda e: _order(e, above, schema)):
        names = (*above, document.local(element))
        if not _is_volatile(names, schema.volatile):
            yield from _node(element, names, outer, schema)


def _node(
    element: Element, names: tuple[str, ...], outer: str, schema: model.Schema
) -> Iterator[str]:
    name, namespace, indent = names[-1], document.namespace(element), "  " * (len(names) - 1)
    tag = name if namespace == outer else f'{name} xmlns="{escape(namespace)}"'
    if not len(element) and "/".join(names) not in schema.containers:
        yield f"{indent}<{tag}>{_escaped(element)}</{name}>"
        return
    below = list(_nodes(element, names, namespace, schema))
    if below or "/".join(names) not in schema.containers:
        yield from (f"{indent}<{tag}>", *below, f"{indent}</{name}>")


def _escaped(element: Element) -> str:
    value = document.content(element)
    if "\n" in value and not value.strip():
        return ""  # an empty container, printed on two lines
    return escape(value, {"\n": "&#10;", "\r": "&#13;"})


def _order(
    element: Element, above: tuple[str, ...], schema: model.Schema
) -> tuple[str, str, tuple[str, ...]]:
    path = "/".join((*above, document.local(element)))
    keys: tuple[str, ...] = ()
    if path not in schema.ordered_by_user:
        found = {document.local(e): document.content(e) for e in element}
        found["."] = document.content(element)
        keys = tuple(found.get(name, "") for name in schema.lists.get(path, ()))
    return document.local(element), document.namespace(element), keys


def _is_volatile(names: tuple[str, ...], patterns: Iterable[str]) -> bool:
    return any(_matches(names, tuple(pattern.split("/"))) for pattern in patterns)


def _matches(names: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    same = len(names) == len(pattern)
    return same and all(p in ("*", n) for n, p in zip(names, pattern, strict=True))
