"""Decides what a device's announcement (LLDP, CDP), as its neighbours repeat it, adds to its own words. Pure.

It is the weakest of all evidence: whoever is on the wire may send it, and it is repeated by others. It
names a system only where the device itself names none and nothing that it says speaks against it, and
fills in version and model of the system that the device names; else it is told and not believed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final, TypeAlias

from oss_agent.spi.detection import Detected, Evidence

Judge: TypeAlias = Callable[[Evidence], Detected]
"""Concludes from a device's own words alone."""

_MOST: Final = 8
"""Announcements that are looked at: a device with more neighbours says the same to each."""


def weighed(own: Detected, evidence: Evidence, judge: Judge) -> Detected:
    """``own`` is what the device's own words made of it, without a contradiction among them."""
    texts = tuple(dict.fromkeys(evidence.announced[:_MOST]))
    heard = [judge(Evidence(description=one)) for one in texts]
    named = [one for one in heard if one.os]
    systems = sorted({_words(one) for one in named})
    if not named:
        return own if own.os or own.vendor or not heard else _like(own, heard[0])
    if len(systems) > 1:
        return _doubted(own, f"its neighbours hear it announce {' and '.join(systems)}")
    (announced,) = sorted(named, key=_fullness)[-1:]
    if own.os:
        return _filled(own, announced)
    text = texts[heard.index(announced)]
    return _named(own, announced, judge(dataclasses.replace(evidence, description=text)))


def _filled(own: Detected, announced: Detected) -> Detected:
    """Its own system, with version and model where only the announcement tells them."""
    if own.os != announced.os:
        return _doubted(own, f"its neighbours hear it announce {_words(announced)}")
    return dataclasses.replace(
        own, version=own.version or announced.version, model=own.model or announced.model
    )


def _named(own: Detected, announced: Detected, together: Detected) -> Detected:
    """The announced system, where the device's own words and the announcement go together."""
    if together.os != announced.os:
        return _doubted(own, f"its neighbours hear it announce {_words(announced)}")
    because = (*own.because, f"its neighbours hear it announce {_words(announced)}")
    return dataclasses.replace(together, because=because)


def _doubted(own: Detected, what: str) -> Detected:
    return dataclasses.replace(own, doubts=(*own.doubts, f"{what}: not believed, ask a person"))


def _like(own: Detected, heard: Detected) -> Detected:
    """Nothing is known of either: why, by what there is."""
    return dataclasses.replace(own, doubts=heard.doubts)


def _words(one: Detected) -> str:
    return " ".join(filter(None, (one.vendor, one.os)))


def _fullness(one: Detected) -> tuple[bool, bool, str, str]:
    return (bool(one.version), bool(one.model), one.version, one.model)
