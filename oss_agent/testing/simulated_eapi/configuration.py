"""Decides what a configuration line does to a simulated EOS configuration; pure.

A configuration maps each line to the lines below it. The grammar is a small part of EOS 4.30's, as
its manual has it: enough for VLANs, ports, VXLAN, VRFs and BGP. What it does not know is refused, as
the device does.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Lines: TypeAlias = dict[str, "Lines"]
Mode: TypeAlias = list[tuple[str, str]]
"""The open sections, outermost first, as (line, kind)."""
Act: TypeAlias = Callable[[str, Mode], bool]

# vlan ids end at 4094; the name after `!!` is what the section's own lines are looked up by.
_VLAN = r"([1-9]\d{0,2}|[1-3]\d{3}|40[0-8]\d|409[0-4])"
_ADDRESS = r"[0-9a-fA-F.:]+"
_RT = r"[0-9.]+:\d+"
_SECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        (rf"vlan {_VLAN}", "vlan"),
        (r"vrf instance \S+", "vrf instance"),
        (r"interface (Ethernet|Loopback|Vlan)[0-9/.]+", "port"),
        (r"interface Vxlan1", "vxlan"),
        (r"router bgp \d+", "bgp"),
    ),
    "bgp": ((rf"vlan {_VLAN}", "mac-vrf"), (r"vrf \S+", "bgp vrf")),
}
# Each leaf: the expression, and the words that say which leaf it is ("" when many may stand).
_LEAVES: dict[str, tuple[tuple[str, str], ...]] = {
    "": ((r"hostname \S+", "hostname"), (r"ip routing( vrf \S+)?", "")),
    "vlan": ((r"name \S+", "name"),),
    "vrf instance": ((r"description .+", "description"), (r"rd [0-9.]+:\d+", "rd")),
    "port": (
        (r"description .+", "description"),
        (r"switchport", "switchport"),
        (rf"switchport access vlan {_VLAN}", "switchport access vlan"),
        (r"shape rate \d+ kbps", "shape rate"),
        (r"mtu \d+", "mtu"),
        (r"vrf \S+", "vrf"),
        (rf"ip address {_ADDRESS}/\d+", "ip address"),
        (r"shutdown", "shutdown"),
    ),
    "vxlan": (
        (r"vxlan source-interface \S+", "vxlan source-interface"),
        (rf"vxlan vlan {_VLAN} vni \d+", "vxlan vlan #"),
        (r"vxlan vrf \S+ vni \d+", "vxlan vrf #"),
    ),
    "bgp": (
        (rf"router-id {_ADDRESS}", "router-id"),
        (rf"neighbor {_ADDRESS} remote-as \d+", "neighbor # remote-as"),
        (rf"neighbor {_ADDRESS} description .+", "neighbor # description"),
    ),
    "mac-vrf": (
        (r"rd [0-9.]+:\d+", "rd"),
        (rf"route-target (both|import|export) {_RT}", ""),
        (r"redistribute learned", ""),
    ),
    "bgp vrf": (
        (r"rd [0-9.]+:\d+", "rd"),
        (rf"route-target (import|export) evpn {_RT}", ""),
        (r"redistribute (connected|static)", ""),
    ),
}
_KINDS = ("hostname", "vlan", "vrf", "interface", "ip", "router")


class Refused(Exception):
    """The line is not valid here; the text is what the device says."""


@dataclass(slots=True)
class Editor:
    """A configuration being typed into: ``lines`` change, ``mode`` is the section one stands in."""

    lines: Lines
    mode: Mode = field(default_factory=list[tuple[str, str]])

    def type(self, line: str) -> None:
        """One line, with what leaves a section: ``exit``, ``end``, or a line of an outer section."""
        words = " ".join(line.split())
        if words == "exit":
            self.mode = self.mode[:-1]
        elif words == "end":
            self.mode = []
        elif words.startswith(("no ", "default ")):
            self._outwards(words.split(" ", 1)[1], self._remove)
        else:
            self._outwards(words, self._add)

    def _outwards(self, words: str, act: Act) -> None:
        """Try the line in this section, then in each outer one, as EOS does."""
        for depth in range(len(self.mode), -1, -1):
            if act(words, self.mode[:depth]):
                return
        raise Refused(f"Invalid input (at token 0: '{words.split(' ', maxsplit=1)[0]}')")

    def _add(self, words: str, mode: Mode) -> bool:
        kind, here = _kind(mode), self._here(mode)
        section = _section(kind, words)
        if section is not None:
            here.setdefault(words, {})
            self.mode = [*mode, (words, section)]
            return True
        leaf = _leaf(kind, words)
        if leaf is None:
            return False
        if leaf:
            _drop(here, [old for old in here if _same_leaf(kind, old, words)])
        here[words] = {}
        self.mode = mode
        return True

    def _remove(self, words: str, mode: Mode) -> bool:
        kind, here = _kind(mode), self._here(mode)
        section = _section(kind, words)
        known = [line for line in here if line == words or line.startswith(f"{words} ")]
        if section is None and _leaf(kind, words) is None and not _begins_leaf(kind, words):
            return False
        if section == "port" and words.startswith("interface Ethernet"):
            here[words] = {}  # a port of the chassis stays
        else:
            _drop(here, known if section is None else [words])
        self.mode = mode
        return True

    def _here(self, mode: Mode) -> Lines:
        here = self.lines
        for line, _kind_of in mode:
            here = here[line]
        return here


def parse(text: str) -> Lines:
    """A configuration from its text. Raises Refused."""
    editor = Editor({})
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("!"):
            if not line.startswith(" "):
                editor.mode = []
            editor.type(line)
    return editor.lines


def copied(lines: Lines) -> Lines:
    """The same lines, independent."""
    return copy.deepcopy(lines)


def text(lines: Lines) -> str:
    """As ``show running-config`` prints it: fixed order, three blanks a level, ``!`` between."""
    return "".join(
        f"{line}\n{_body(below, 1)}" + ("!\n" if below or _section("", line) else "")
        for line, below in sorted(lines.items(), key=lambda item: _order(item[0]))
    )


def _body(lines: Lines, depth: int) -> str:
    blanks = "   " * depth
    out = ""
    for line, below in sorted(lines.items(), key=lambda one: (bool(one[1]), _order(one[0]))):
        out += f"{blanks}!\n" if below else ""
        out += f"{blanks}{line}\n{_body(below, depth + 1)}"
    return out


def _order(line: str) -> tuple[int, list[tuple[int, int | str]]]:
    first = line.split(" ", maxsplit=1)[0]
    rank = _KINDS.index(first) if first in _KINDS else len(_KINDS)
    return rank, [(0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", line) if p]


def _kind(mode: Mode) -> str:
    return mode[-1][1] if mode else ""


def _section(kind: str, words: str) -> str | None:
    known = _SECTIONS.get(kind, ())
    return next((name for pattern, name in known if re.fullmatch(pattern, words)), None)


def _leaf(kind: str, words: str) -> str | None:
    known = _LEAVES.get(kind, ())
    return next((name for pattern, name in known if re.fullmatch(pattern, words)), None)


def _begins_leaf(kind: str, words: str) -> bool:
    return any(name == words for _pattern, name in _LEAVES.get(kind, ()) if name)


def _same_leaf(kind: str, old: str, new: str) -> bool:
    """Whether ``new`` takes the place of ``old``; ``#`` in a leaf's name is one word that counts."""
    name = _leaf(kind, old)
    if name is None or name != _leaf(kind, new):
        return False
    length = len(name.split(" "))
    return "#" not in name or old.split(" ")[:length] == new.split(" ")[:length]


def _drop(here: Lines, lines: list[str]) -> None:
    for line in lines:
        here.pop(line, None)
