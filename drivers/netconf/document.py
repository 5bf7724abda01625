"""Decides what an XML document from a device may be, and builds those we send.

Sizes are capped by the framing before a byte is parsed; entities are never expanded, a DOCTYPE is
refused, libxml2's own limits (depth 256, 10 MB of text in one node) stay in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from lxml import etree

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"

Element: TypeAlias = (
    etree._Element  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - lxml has no other name for it
)


class Unreadable(Exception):
    """Not an XML document that we accept."""


def parse(message: bytes) -> Element:
    """The root of a document, comments and processing instructions left out. Raises Unreadable."""
    # One parser per call: a parser shared between threads makes them wait for each other.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(message.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise Unreadable(f"not well-formed XML: {wrong}") from wrong
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("it has a DOCTYPE")
    return root


def serialise(root: Element) -> bytes:
    """A document as UTF-8 bytes with its declaration."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def element(namespace_uri: str, name: str, prefixes: Mapping[str, str] | None = None) -> Element:
    """A new element whose namespace is its default one; ``prefixes`` declares others."""
    names: dict[str | None, str] = {None: namespace_uri}
    names.update((prefixes or {}).items())
    tag = f"{{{namespace_uri}}}{name}"
    return etree.Element(tag, nsmap=names)  # type: ignore[arg-type]  # None: the default, to lxml


def base(name: str, *children: Element, text: str | None = None) -> Element:
    """A new element of the NETCONF base namespace."""
    made = element(BASE, name)
    made.extend(children)
    made.text = text
    return made


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    # Ten times faster than etree.QName, and this is asked of every node of a configuration.
    return str(element.tag).rpartition("}")[2]


def namespace(element: Element) -> str:
    """The namespace of an element, "" when it has none."""
    return str(element.tag).rpartition("}")[0][1:]


def content(element: Element) -> str:
    """The text of an element, "" when it has none."""
    return element.text or ""


def child(element: Element, name: str) -> Element | None:
    """The first child of that name in the NETCONF base namespace."""
    return element.find(f"{{{BASE}}}{name}")
