"""Decides where an entry of an ordered-by-user list goes: RFC 7950 section 7.8.6."""

from __future__ import annotations

import re

from oss_agent.testing.simulated.content import Content, Member
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.place import Place
from oss_agent.testing.simulated.schema import List

_YANG = "urn:ietf:params:xml:ns:yang:1"
_PREDICATE = re.compile(r"\[\s*(?:[\w.-]+:)?([\w.-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")\s*\]")


def put(parent: Content, member: Member, node: List, element: Element, place: Place) -> None:
    """Move ``member`` within ``parent`` as the element's ``insert`` says; without it, it stays.

    A new entry is the last one already.
    """
    insert = element.attributes.get(f"{{{_YANG}}}insert")
    if insert is None:
        return
    others = [other for other in parent if other != member]
    others.insert(_index(others, insert, member, node, element, place), member)
    values = dict(parent)
    parent.clear()
    parent.update((one, values[one]) for one in others)


def _index(
    others: list[Member], insert: str, member: Member, node: List, element: Element, place: Place
) -> int:
    entries = [at for at, other in enumerate(others) if other[0] == member[0]]
    if insert in {"first", "last"}:
        return 0 if insert == "first" else len(others)
    if insert not in {"before", "after"}:
        info = ("bad-attribute", "insert"), ("bad-element", element.name)
        raise place.error("bad-attribute", f"no insert {insert!r}", *info)
    anchor = member[0], _keys(element, node, place)
    found = next((at for at in entries if others[at] == anchor), None)
    if found is None:
        # RFC 7950 15.7
        raise place.error("bad-attribute", "no such entry", app_tag="missing-instance")
    return found if insert == "before" else found + 1


def _keys(element: Element, node: List, place: Place) -> tuple[str, ...]:
    given = element.attributes.get(f"{{{_YANG}}}key")
    if given is None:
        info = ("bad-attribute", "key"), ("bad-element", element.name)
        raise place.error("missing-attribute", "insert before or after what?", *info)
    found = {name: one or other for name, one, other in _PREDICATE.findall(given)}
    return tuple(found.get(key, "") for key in node.keys)
