"""Decides which VLANs and VRFs a service's part of a configuration speaks of, by their names. Pure.

By what such nodes are called in the field's models and command lines: a list ``vrf``, ``network-instance``,
``routing-instance``, ``vpn-instance`` or ``vlan``, a leaf of such a name, a line with ``vrf NAME`` or ``vlan
100``. Whether the device has one that is called so is for discovery to say; a name too many is shown
to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from inventory.facts import logical_facts
from oss_agent.spi.tree import Tree

Name: TypeAlias = tuple[str, str]
"""Kind (``logical_facts.RESOURCES``) and name, as discovery has them."""
_VRF: Final = re.compile(r"(vrf|network-instance|routing-instance|vpn-instance)(-name)?")
_VLAN: Final = re.compile(r"(\S*-)?vlan(-id)?")
_VLAN_ID: Final = re.compile(r"(\S*-)?(vlan|id|tag)(-id)?")
_OF_VRF: Final = re.compile(
    r"(?:^|\s)(?:vrf|vpn-instance|routing-instance)"
    r"(?:\s+(?:instance|definition|forwarding|context|member))?\s+(\S+)"
)
_OF_VLAN: Final = re.compile(r"(?:^|\s)vlan\s+(\d{1,4})(?=\s|$)")
_NUMBER: Final = re.compile(r"\d{1,4}", re.ASCII)
_LAST_VLAN: Final = 4094
_MOST: Final = 1_000
"""Names of one part that are kept: what has more is no service."""
_LONGEST: Final = 255
"""No device has a VRF of a longer name; PostgreSQL would refuse a far longer one in an index."""


def named(part: Tree) -> tuple[Name, ...]:
    """Each once, in order."""
    every = {(kind, name) for kind, name in _below(part) if len(name) <= _LONGEST}
    return tuple(sorted(every))[:_MOST]


def _below(node: Tree) -> Iterator[Name]:
    yield from _at(node)
    for child in node.children:
        yield from _below(child)


def _at(node: Tree) -> Iterator[Name]:
    name = node.step.name.rpartition(":")[2]
    keys = [value for _, value in node.step.keys]
    for text in (node.step.name, *keys):
        yield from _in_line(text)
    if _VRF.fullmatch(name):
        yield from ((logical_facts.VRF, value) for value in (*keys, node.value) if value)
    elif _VLAN.fullmatch(name):
        inside = (one.value for one in node.children if _VLAN_ID.fullmatch(one.step.name))
        yield from _vlans((*keys, node.value, *inside))


def _in_line(text: str) -> Iterator[Name]:
    if " " in text:
        yield from ((logical_facts.VRF, value) for value in _OF_VRF.findall(text))
        yield from _vlans(_OF_VLAN.findall(text))


def _vlans(values: Iterable[str | None]) -> Iterator[Name]:
    for value in values:
        if value and _NUMBER.fullmatch(value) and 1 <= int(value) <= _LAST_VLAN:
            yield (logical_facts.VLAN, str(int(value)))
