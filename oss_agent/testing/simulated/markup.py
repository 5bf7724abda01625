"""Decides how bytes become XML elements: expat straight into small values, entities refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr


class Malformed(Exception):
    """The bytes are no XML this device takes."""


@dataclass(slots=True)
class Element:
    """An element; attributes and names in a namespace read ``{uri}name``; comments are gone."""

    name: str
    namespace: str | None
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    children: list[Element] = field(default_factory=list["Element"])

    @property
    def words(self) -> str:
        """The text without the blanks around it."""
        return self.text.strip()

    def child(self, name: str) -> Element | None:
        """The first child of this name in the element's own namespace."""
        return next(
            (c for c in self.children if (c.name, c.namespace) == (name, self.namespace)), None
        )

    def walk(self) -> Iterator[Element]:
        """The element and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def pieces(self) -> Iterator[Element]:
        """The element once for every grandchild, with that alone: an edit's entries one by one."""
        for child in self.children:
            for below in child.children:
                yield dataclasses.replace(
                    self, children=[dataclasses.replace(child, children=[below])]
                )

    def without(self, name: str) -> Element:
        """The element without anything of this name below it."""
        kept = [child.without(name) for child in self.children if child.name != name]
        return dataclasses.replace(self, children=kept)

    def content(self) -> str:
        """Its children as canonical text: attributes sorted, namespaces spelt out, no blanks."""
        if not self.children:
            return escape(self.text)
        return "".join(child.canonical() for child in self.children)

    def canonical(self) -> str:
        """The element itself, as in ``content``."""
        attributes = "".join(f" {k}={quoteattr(v)}" for k, v in sorted(self.attributes.items()))
        return f"<{self.name} xmlns={quoteattr(self.namespace or '')}{attributes}>{self.content()}</{self.name}>"


def parse(data: bytes) -> Element:
    """The document element of ``data``, or Malformed."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data.strip(), True)
    except expat.ExpatError as error:
        raise Malformed(f"not well-formed: {error}") from error
    return builder.top


class _Builder:
    """Takes expat's events; ``top`` is the document element afterwards."""

    def __init__(self) -> None:
        self._root = Element("", None)
        self._open = [self._root]

    @property
    def top(self) -> Element:
        return self._root.children[0]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, local = _split(name)
        named = {_braced(key): value for key, value in attributes.items()}
        element = Element(local, namespace, named)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, name: str) -> None:
        del name
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].text += text


def _split(name: str) -> tuple[str | None, str]:
    namespace, _, local = name.rpartition(" ")
    return namespace or None, local


def _braced(name: str) -> str:
    namespace, local = _split(name)
    return local if namespace is None else f"{{{namespace}}}{local}"


def _refuse(*declaration: object) -> NoReturn:
    raise Malformed(f"a document type is not taken: {declaration[0]}")
