"""Decides what running asks for, from a get-config reply. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lab.node.pieces import Access, Eline, Piece, Site, Vrf

SERVICES = "urn:oss-agent:lab:services"
_NAMES = {"oss": SERVICES}


@dataclass(frozen=True)
class Port:
    """Settings of a port as configured."""

    enabled: bool = True
    description: str = ""


@dataclass(frozen=True)
class Desired:
    """All that running asks for; rates are in kbit/s by port."""

    pieces: frozenset[Piece] = frozenset()
    rates: Mapping[str, int] = field(default_factory=dict[str, int])
    ports: Mapping[str, Port] = field(default_factory=dict[str, Port])
    undefined: tuple[str, ...] = ()
    """rate-profiles that are named and not there: whoever names one is not limited"""


def desired(reply: ET.Element) -> Desired:
    """Read a get-config reply."""
    profiles = {
        _text(entry, "name"): int(_text(entry, "rate"))
        for entry in _all(reply, "profiles/rate-profile")
    }
    named = {_text(entry, "profile") for entry in _all(reply, "services/internet-access")}
    return Desired(
        pieces=frozenset(_pieces(reply)),
        rates=dict(_rates(reply, profiles)),
        ports={_text(entry, "name"): _port(entry) for entry in _all(reply, "ports/port")},
        undefined=tuple(sorted(named - set(profiles) - {""})),
    )


def _pieces(reply: ET.Element) -> Iterator[Piece]:
    for entry in _all(reply, "services/eline"):
        yield Eline(int(_text(entry, "vni")), _text(entry, "port"))
    for entry in _all(reply, "services/internet-access"):
        yield Access(_text(entry, "port"), _text(entry, "gateway"))
    for entry in _all(reply, "services/vrf"):
        vni = int(_text(entry, "vni"))
        yield Vrf(vni, _text(entry, "transit"))
        for site in entry.iterfind("oss:site", _NAMES):
            yield Site(vni, _text(site, "port"), _text(site, "gateway"))


def _rates(reply: ET.Element, profiles: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for path in ("services/eline", "services/vrf/site"):
        for entry in _all(reply, path):
            if rate := _text(entry, "rate"):
                yield _text(entry, "port"), int(rate)
    for entry in _all(reply, "services/internet-access"):
        if (profile := _text(entry, "profile")) in profiles:
            yield _text(entry, "port"), profiles[profile]


def _all(reply: ET.Element, path: str) -> list[ET.Element]:
    steps = "/".join(f"oss:{step}" for step in path.split("/"))
    return reply.findall(f".//{steps}", _NAMES)


def _text(entry: ET.Element, leaf: str, default: str = "") -> str:
    return entry.findtext(f"oss:{leaf}", default, _NAMES).strip()


def _port(entry: ET.Element) -> Port:
    return Port(_text(entry, "enabled", "true") == "true", _text(entry, "description"))
